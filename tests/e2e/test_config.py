"""What .plue/config.yaml decides, and what it refuses."""
import re
import shutil
import subprocess

from harness import PlueTest


class Keys(PlueTest):
    def config(self, text):
        return self.write(".plue/config.yaml", text)

    def refusal(self, text):
        self.config(text)
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        return self.plue("workflow", "run", "ci", expect=2).err

    def test_memory_and_processes_of_a_step_are_limited(self):
        self.config("sandbox: {memory: 64MiB, processes: 20}\n")
        self.steps_workflow("""
            ctx.run(name="hog", cmd="b'x' * 200000000", shell="python3", continue_on_error=True)
            ctx.run(name="forks", cmd="for i in $(seq 40); do sleep 60 & done", shell="sh", continue_on_error=True)
            """)
        run = self.run_ci()
        self.assertEqual(self.step(run, "hog")["error"]["hint"],
                         "the limit of a step is 64 MiB; memory: of sandbox: in .plue/config.yaml changes it")
        self.assertIn("Cannot fork", self.log(step="forks", stream="stderr"))

    def test_tmp_and_workspace_have_the_configured_sizes(self):
        self.config("sandbox:\n  tmp: 4MiB\n  workspace: 8MiB\n")
        self.steps_workflow("""
            ctx.run(name="tmp", cmd="df -k --output=size /tmp | tail -n 1", shell="sh")
            ctx.run(name="files", cmd="head -c 30000000 /dev/zero > big; sleep 60", shell="sh")
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(self.log(step="tmp", stream="stdout").split(), ["4096"])
        self.assertEqual(self.step(run, "files")["error"]["message"], "the step filled the workspace, which may hold 8 MiB")

    def test_a_step_s_log_has_the_configured_size_and_says_where_it_ends(self):
        self.config("limits: {log: 1KiB}\n")
        self.steps_workflow('ctx.run(name="a", cmd="seq 100000", shell="sh")')
        self.run_ci()
        self.assertTrue(self.log(stream="stdout").startswith("1\n2\n3\n"))
        self.assertLess(len(self.log(stream="stdout")), 600000)
        self.assertEqual(self.log(stream="system"), "the step's log is full (1024 bytes): what follows is not kept\n")

    def test_an_image_that_is_not_there_is_refused_as_default_too(self):
        self.config("default_image: node:22\n")
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        self.assertIn("node:22", self.step(self.run_ci(expect=1), "a")["error"]["message"])

    def test_an_unpacked_image_is_the_default_root(self):
        image = self.data / "images/tiny_1"
        libraries = subprocess.run(["ldd", "/bin/dash"], stdout=subprocess.PIPE, text=True, check=True).stdout
        for path in ["/bin/dash", *re.findall(r"(/\S+)", libraries)]:
            target = image / path.removeprefix("/usr").removeprefix("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        (image / "bin/dash").rename(image / "bin/sh")
        (image / "tiny").write_text("of the image\n")
        self.config("default_image: tiny/1\n")
        self.steps_workflow('ctx.run(name="a", cmd="read line < /tiny; echo $line; test ! -e /usr && echo alone")')
        self.run_ci()
        self.assertEqual(self.log(stream="stdout"), "of the image\nalone\n")

    def test_steps_side_by_side_are_as_many_as_configured(self):
        self.config("concurrency: 1\n")
        self.steps_workflow("""
            ctx.parallel([ctx.run(name=n, cmd="test ! -e busy; touch busy; ls -R /usr/lib > list; rm busy") for n in ("a", "b", "c", "d")])
            """)
        self.run_ci()

    def test_egress_bounds_what_a_workflow_may_reach(self):
        self.config('sandbox:\n  egress: ["example.org:443"]\n')
        self.steps_workflow("""
            ctx.run(name="other", cmd="true", network=["example.com:443"], continue_on_error=True)
            ctx.run(name="all", cmd="true", network="all", continue_on_error=True)
            ctx.run(name="listed", cmd="true", network=["example.org:443"])
            ctx.run(name="none", cmd="true")
            """)
        run = self.run_ci()
        self.assertEqual([self.step(run, n)["error"] and self.step(run, n)["error"]["message"] for n in ("other", "all", "listed", "none")],
                         ["sandbox.egress of .plue/config.yaml does not allow the host example.com:443",
                          'sandbox.egress of .plue/config.yaml does not allow network="all"', None, None])
        self.config("sandbox: {egress: none}\n")
        self.assertEqual(self.outcomes(self.run_ci(expect=1))["listed"], "failed")

    def test_waivers_are_said_and_must_be_promises(self):
        self.config("sandbox: {waive: [metadata]}\n")
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        self.assertIn("warning: .plue/config.yaml waives the sandbox's promise 'metadata'\n", self.plue("workflow", "run", "ci", expect=0).err)
        self.config("sandbox: {waive: [metdata]}\n")
        self.assertIn(".plue/config.yaml: there is no promise 'metdata' to waive (did you mean 'metadata'?)", self.plue("workflow", "run", "ci", expect=2).err)

    def test_secrets_come_from_the_configured_provider(self):
        self.plue("secret", "set", "TOKEN", stdin="from-the-store", expect=0)
        self.steps_workflow('ctx.run(name="a", cmd="printf %s $T | rev", env={"T": ctx.secrets.TOKEN})')
        self.run_ci()
        self.assertEqual(self.log(1, stream="stdout"), "erots-eht-morf\n")
        self.config("secrets: {provider: file, path: ../secrets}\n")
        (self.repo / "../secrets").write_text("TOKEN=from-a-file\n")
        (self.repo / "../secrets").chmod(0o600)
        self.run_ci()
        self.assertEqual(self.log(2, stream="stdout"), "elif-a-morf\n")
        self.config("secrets: {provider: env}\n")
        self.run_ci(env={"PLUE_SECRET_TOKEN": "from-outside"})
        self.assertEqual(self.log(3, stream="stdout"), "edistuo-morf\n")
        self.assertIn("TOKEN", self.plue("workflow", "run", "ci", expect=1).out)

    def test_a_resumed_or_repeated_run_heeds_it_too(self):
        self.config("sandbox: {tmp: 4MiB}\n")
        self.steps_workflow('ctx.run(name="tmp", cmd="df -k --output=size /tmp | tail -n 1", shell="sh")')
        self.run_ci()
        self.plue("run", "rerun", "1", cwd=self.top, expect=0)
        self.assertEqual(self.log(step="tmp", stream="stdout").split(), ["4096"])

    def test_lint_says_what_is_wrong_of_models_too(self):
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        for text, message in (("clients: {a: {modle: x}}\n", "a client has no key 'modle'"), ("clients: {a: {model: x, structured: maybe}}\n", "structured must be native or tool"),
                              ("websearch: {key: [x]}\n", "key must be a text")):
            self.write(".plue/config.yaml", text)
            problem, = self.plue("workflow", "lint", "--json", expect=2).json["problems"]
            self.assertEqual((problem["at"]["path"], problem["at"]["line"], problem["message"]), (".plue/config.yaml", 1, message))

    def test_lint_knows_the_clients_of_prompts(self):
        self.config("clients: {fast: {model: anthropic/claude-haiku}}\n")
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        self.write(".plue/prompts/a.prompt.md", "---\nname: A\nclient: fast\n---\nhi\n")
        self.write(".plue/prompts/b.prompt.md", "---\nname: B\ntype: llm\nclient: fasst\n---\nhi\n")
        problem, = self.plue("workflow", "lint", "--json", expect=2).json["problems"]
        self.assertEqual((problem["at"], problem["message"], problem["hint"]), (
            {"path": ".plue/prompts/b.prompt.md", "line": 4, "column": 1}, "there is no client 'fasst'", "did you mean 'fast'?"))

    def test_lint_says_what_is_wrong_too(self):
        self.config("sandbox: {cpu: fast}\n")
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        problems = self.plue("workflow", "lint", "--json", expect=2).json["problems"]
        self.assertEqual([(p["code"], p["message"], p["at"]) for p in problems],
                         [("invalid_config", "cpu must be a number of processors, not fast",
                           {"path": ".plue/config.yaml", "line": 1, "column": 16})])

    def test_what_is_wrong_has_its_place(self):
        for text, message in (
                ("sandbxo: {}\n", ".plue/config.yaml:1:1: error: the configuration has no key 'sandbxo'"),
                ("sandbox:\n  memry: 1GiB\n", ".plue/config.yaml:2:3: error: sandbox has no key 'memry'"),
                ("sandbox:\n  memory: lots\n", ".plue/config.yaml:2:11: error: memory must be a size like 512MiB or 4GiB, not lots"),
                ("sandbox:\n  memory: 1MiB\n", ".plue/config.yaml:2:11: error: memory must be from 16777216 to 1099511627776 bytes"),
                ("sandbox: [1]\n", ".plue/config.yaml:1:10: error: sandbox must be a mapping, not a list"),
                ("sandbox: {cpu: -1}\n", ".plue/config.yaml:1:16: error: cpu must be from 10 to 1000000 thousandths of a processor"),
                ("concurrency: many\n", ".plue/config.yaml:1:14: error: concurrency must be a whole number, not many"),
                ("sandbox: {egress: some}\n", '.plue/config.yaml:1:19: error: egress must be any, none or a list of "host:port", not some'),
                ("secrets: {provider: file}\n", ".plue/config.yaml:1:10: error: provider: file needs a path beside it"),
                ("secrets: {provider: vault}\n", ".plue/config.yaml:1:21: error: provider must be store, env or file, not vault"),
                ("- 1\n", ".plue/config.yaml:1:1: error: the configuration must be a mapping, not a list"),
                ("default_image: []\n", ".plue/config.yaml:1:16: error: default_image must be a text, not a list")):
            with self.subTest(text):
                self.assertEqual(self.refusal(text).splitlines()[0], message)
