"""Where a workflow may run: labels= and sandbox= of @workflow."""
import platform

from harness import PlueTest

PROCESSOR = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class Placement(PlueTest):
    def asks(self, options):
        self.steps_workflow("""ctx.run(name="a", cmd="grep Seccomp: /proc/self/status | tr -d '[:space:]'")""",
                            decorator=f"@workflow(triggers=[manual()], {options})")

    def refused(self, *args, **more):
        result = self.plue("workflow", "run", "ci", *args, expect=2, **more)
        self.assertEqual(self.plue("run", "list", "--json").json.get("runs", []), [], "nothing was run")
        return result.err

    # -- labels

    def test_this_machine_has_the_usual_labels(self):
        self.asks(f'labels=["self-hosted", "Linux", "local", "{PROCESSOR}"]')
        self.run_ci()

    def test_labels_that_no_runner_has_are_refused(self):
        self.asks('labels=["linux", "gpu", "big"]')
        self.assertEqual(self.refused(),
                         "error: ci runs where there are the labels gpu, big, and this machine, the only runner, has "
                         f"self-hosted, local, linux, {PROCESSOR}\n"
                         "  hint: if it is such a machine: --labels gpu,big, or PLUE_RUNNER_LABELS for all runs\n")
        self.assertIn("the labels big,", self.refused("--labels", "gpu"))

    def test_a_machine_can_be_given_labels(self):
        self.asks('labels=["gpu", "big"]')
        self.run_ci("--labels", " GPU ,big")
        self.run_ci(env={"PLUE_RUNNER_LABELS": "gpu,big"})
        self.run_ci("--labels", "big", env={"PLUE_RUNNER_LABELS": "gpu"})

    def test_a_rerun_asks_again(self):
        self.asks('labels=["gpu"]')
        self.run_ci("--labels", "gpu")
        self.assertIn("the labels gpu,", self.plue("run", "rerun", 1, expect=2).err)
        self.plue("run", "rerun", 1, "--labels", "gpu", expect=0)

    # -- sandbox

    def test_a_file_alone_does_not_switch_the_sandbox_off(self):
        self.asks('sandbox="none"')
        self.assertEqual(self.refused(), 'error: ci asks for sandbox="none", and a file alone does not switch the sandbox off\n'
                                         "  hint: if you trust what it runs: --sandbox none\n")
        self.run_ci("--sandbox", "none")
        self.assertEqual(self.log(), "Seccomp:0\n")
        self.run_ci("--sandbox", "bubblewrap")
        self.assertEqual(self.log(2), "Seccomp:2\n")

    def test_nor_does_a_file_that_was_changed_before_a_rerun(self):
        self.asks('env={"A": "b"}')
        self.run_ci()
        self.asks('sandbox="none"')
        self.assertIn("does not switch the sandbox off", self.plue("run", "rerun", 1, "--working-tree", expect=2).err)

    def test_bubblewrap_can_be_asked_for(self):
        self.asks('sandbox="bubblewrap"')
        self.run_ci()
        self.assertEqual(self.log(), "Seccomp:2\n")
        self.plue("run", "rerun", 1, expect=0)

    def test_backends_that_are_not_there_are_refused_by_name(self):
        for name in ("podman", "gvisor", "kubernetes"):
            self.asks(f'sandbox="{name}"')
            self.assertEqual(self.refused(), f'error: ci asks for sandbox="{name}", a backend that this version does not have\n'
                                             "  hint: --sandbox bubblewrap runs it in one that it has\n")
        self.asks('sandbox="bublewrap"')
        self.assertIn("did you mean 'bubblewrap'?", self.refused())
