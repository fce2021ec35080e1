"""Repositories of many files: their workspace is an image with what steps write above it, where the host can
mount one, and a copy elsewhere. Nobody can tell the difference, but by its speed."""
import hashlib
import os
import select
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import SECONDS, PlueTest, is_alive, processes_with
from test_agents import DONE, AgentTest, turn

FILES = 2100        # more than for which an image is made


def mounts_work():
    """Whether this machine lets us mount an overlay with the options that Plue takes."""
    if os.geteuid() != 0 or "\terofs\n" not in Path("/proc/filesystems").read_text():
        return False
    with tempfile.TemporaryDirectory() as top:
        for name in ("lower", "upper", "work", "at"):
            os.mkdir(f"{top}/{name}")
        options = f"lowerdir={top}/lower,upperdir={top}/upper,workdir={top}/work,redirect_dir=on"
        done = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, f"{top}/at"], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", f"{top}/at"], check=True)
        return done.returncode == 0


MOUNTS_WORK = mounts_work()


def mounts_elsewhere(word):
    """Lines of the mounts of all processes that do not see ours, in which this word stands."""
    ours, found = os.readlink("/proc/self/ns/mnt"), set()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.readlink(process / "ns/mnt") != ours:
                found.update(line for line in (process / "mountinfo").read_text().splitlines() if word in line)
        except OSError:         # it has ended
            pass
    return sorted(found)


class Mounts:
    def setUp(self):
        super().setUp()
        self.addCleanup(self.unmount)       # before the folder is removed

    def mounts(self):
        return [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(self.top) in line]

    def unmount(self):
        for path in self.mounts():
            subprocess.run(["umount", path], check=True)


class ManyFiles(Mounts, PlueTest):
    def setUp(self):
        super().setUp()
        self.git("init", "-q", "-b", "main")
        for i in range(FILES):
            self.write(f"src/{i % 20}/{i}.txt", f"file {i}\n" * (i % 400))
        self.write("program", "#!/bin/sh\necho it runs\n", 0o755)
        self.write("private", "mine\n", 0o600)
        self.write("empty", "")
        self.write("large", "0123456789abcdef" * 20000)
        self.write("a folder/ünïcode, and: more", "x" * 5000)
        os.symlink("../program", self.repo / "src/link")
        self.write(".gitignore", "ignored\n")
        self.write("ignored/file", "no run's\n")

    def has_said(self, step, line, run=1):
        result = self.plue("run", "view", run, "--log", "--step", step)
        return line in [shown.rpartition(" | ")[2] for shown in result.out.splitlines()]

    def assert_imaged(self):
        if MOUNTS_WORK:
            self.assertEqual(self.mounts(), [str(self.data / "workspaces/1/workspace")])
            self.assertTrue((self.data / "workspaces/1/image").exists())

    def kill_all(self, process):
        """As a restart of the host does."""
        process.kill()
        process.wait()
        keeper = self.data / "keepers/1"
        pid = os.pidfd_open(int(keeper.read_text().split()[0]))
        signal.pidfd_send_signal(pid, signal.SIGKILL)
        self.assertEqual(select.select([pid], [], [], SECONDS)[0], [pid])       # it has ended
        os.close(pid)
        self.unmount()

    def test_steps_find_the_files_as_they_are(self):
        self.steps_workflow(r"""
            ctx.run(name="list", cmd="find . -path ./.git -prune -o -type f -printf '%P %m %s %n\\n' | sort")
            ctx.run(name="read", cmd="find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; readlink src/link; src/link")
            ctx.run(name="git", cmd="git diff-files; git status --porcelain; git fsck; git log --format=%s; git ls-files | wc -l")
            """)
        self.commit()
        self.run_ci()
        listed = sorted(p for p in self.git("ls-files", "-z").split("\0") if p and not (self.repo / p).is_symlink())
        size = {p: (self.repo / p).stat() for p in listed}
        lines = [f"{p} {stat.S_IMODE(size[p].st_mode):o} {size[p].st_size} 1" for p in listed]
        self.assertEqual(self.log(step="list").splitlines(), sorted(lines, key=os.fsencode))
        sums = [f"{hashlib.sha256((self.repo / p).read_bytes()).hexdigest()}  ./{p}" for p in sorted(listed, key=os.fsencode)]
        self.assertEqual(sorted(self.log(step="read").splitlines()), sorted(sums + ["../program", "it runs"]))
        self.assertEqual(self.log(step="git"), f"Workspace of this run\n{len(listed) + 1}\n")

    def test_what_steps_change_stays_and_is_theirs(self):
        self.steps_workflow(r"""
            a = ctx.run(name="change", cmd='''
                echo more >> src/1/1.txt
                rm -r src/2
                mv src/3 moved
                mv src/4 src/2
                python3 -c 'import os; os.rename("src/6", "six")'
                chmod 755 private
                ln -s moved/3.txt new-link
                mkdir src/3 && echo new > src/3/new
                git mv src/5 src/five
                git commit -qam "in the run" --author "a <a@example.org>"
            ''', env={"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"})
            ctx.run(name="look", cmd='''
                tail -n 1 src/1/1.txt; ls src/2 | head -n 2; cat new-link src/3/new; stat -c %a private; ls src/five | head -n 1; ls six | wc -l
                git show --stat --format=%s | tail -n 1
                test ! -e src/5
            ''', depends_on=[a])
            ctx.log(f"{ctx.read('src/3/new').strip()!r} {ctx.exists('src/5/5.txt')} {len(ctx.glob('moved/*'))}")
            ctx.artifact("moved", "moved/**")
            """)
        self.commit()
        self.run_ci()
        *look, commit = self.log(step="look").splitlines()
        self.assertEqual(look, ["more", "1004.txt", "1024.txt", *["file 3"] * 3, "new", "755", "1005.txt", str(FILES // 20)])
        self.assertIn(" files changed, ", commit)
        self.assertIn(f"'new' False {FILES // 20}", self.plue("run", "view", 1, "--log", expect=0).out)
        self.assertEqual(self.git("status", "--porcelain"), "")
        self.assertTrue((self.repo / "src/5/5.txt").exists())
        self.plue("run", "download", 1, "moved", "--dir", self.top / "got", expect=0)
        self.assertEqual(len(list((self.top / "got").rglob("*.txt"))), FILES // 20)

    def test_nothing_is_left_when_it_has_ended(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo begun; while [ ! -e go ]; do sleep 0.05; done")""")
        self.commit()
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: self.has_said("a", "begun"), "it has begun")
        self.assert_imaged()
        (self.data / "workspaces/1/workspace/go").touch()
        self.finish(process, expect=0)
        self.assertEqual((self.mounts(), list((self.data / "workspaces").iterdir())), ([], []))

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_of_two_runs_at_once_neither_keeps_the_files_of_the_other(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo begun; while [ ! -e go ]; do sleep 0.05; done")""")
        self.commit()
        places = [self.data / f"workspaces/{run}/workspace" for run in (1, 2)]
        processes = []
        for run in (1, 2):
            processes.append(self.start("workflow", "run", "ci"))
            self.wait_for(lambda: self.has_said("a", "begun", run), "it has begun")
        self.assertEqual(self.mounts(), [str(place) for place in places])
        device = places[0].stat().st_dev
        kept = f" {os.major(device)}:{os.minor(device)} "
        self.assertNotEqual(mounts_elsewhere(kept), [])         # where the steps of the first see it
        pid = (self.data / "keepers" / places[1].parent.name).read_text().split()[0]
        self.assertNotIn(kept, Path(f"/proc/{pid}/mountinfo").read_text())
        (places[0] / "go").touch()
        self.finish(processes[0], expect=0)
        self.assertFalse((self.data / "workspaces/1").exists())
        self.wait_for(lambda: not mounts_elsewhere(kept), "nothing keeps the files of the run that has ended")
        self.assertEqual(self.mounts(), [str(places[1])])
        (places[1] / "go").touch()
        self.finish(processes[1], expect=0)
        self.assertEqual((self.mounts(), list((self.data / "workspaces").iterdir())), ([], []))

    def test_a_cancelled_run_keeps_its_files_for_a_rerun_and_no_mount(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo changed > src/1/1.txt; rm -r src/2")
            ctx.run(name="b", cmd="cat src/1/1.txt; ls src | wc -l; test -e src/0/0.txt; git status --porcelain | wc -l; sleep $LONG", depends_on=[a])
            """.replace("$LONG", self.nap))
        self.commit()
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: self.has_said("b", str(1 + FILES // 20)), "it has begun")
        process.send_signal(signal.SIGINT)
        self.finish(process, expect=3)
        self.assertEqual(self.mounts(), [])
        again = self.start("run", "rerun", 1, "--failed")
        self.wait_for(lambda: processes_with(self.nap) and self.has_said("b", str(1 + FILES // 20)), "it has begun again")
        self.assertEqual(self.log(step="b").split(), ["changed", "20", str(1 + FILES // 20)])
        again.send_signal(signal.SIGINT)
        self.finish(again, expect=3)

    def test_another_commit_can_be_checked_out_in_it(self):
        self.commit()
        self.git("tag", "v1")
        self.write("src/1/1.txt", "two\n")
        self.write("kind", "file\n")
        self.git("rm", "-q", "-r", "src/2", "src/link")
        self.steps_workflow(r"""
            ctx.run(name="a", cmd="echo mine > made; echo changed > src/3/3.txt; rm program; mkdir program; cat src/1/1.txt")
            ctx.git.checkout("v1")
            ctx.run(name="b", cmd="head -n 1 src/1/1.txt; ls src | wc -l; readlink src/link; src/link; cat src/3/3.txt; test ! -e kind; cat made; stat -c '%a %U' program src/link; git status --short; git log --format=%s")
            """)
        self.commit()
        self.run_ci()
        self.assertEqual(self.log(step="a"), "two\n")
        self.assertEqual(self.log(step="b"), "file 1\n21\n../program\nit runs\n" + "file 3\n" * 3 + "mine\n755 plue\n777 plue\n?? made\nWorkspace of this run\n")

    def goes_on_after(self, end):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo changed > src/1/1.txt; rm -r src/2; mv src/3 moved")
            if not a.failed:
                ok = ctx.approval("ok")
                ctx.run(name="b", cmd="cat src/1/1.txt; ls src | wc -l; ls moved | wc -l; git status --porcelain | wc -l", depends_on=[ok])
            """)
        self.commit()
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: (self.try_view() or {}).get("status") == "waiting", "the run waits")
        self.assert_imaged()
        end(process)
        process = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "approve", 1).status == 0, "the approval is taken")
        self.finish(process, expect=0)
        per = FILES // 20
        self.assertEqual(self.log(step="b").split(), ["changed", "19", str(per), str(1 + 2 * per + 1)])
        self.assertEqual((self.mounts(), list((self.data / "workspaces").iterdir())), ([], []))

    def test_a_killed_one_goes_on(self):
        def kill(process):
            process.kill()
            process.wait()
        self.goes_on_after(kill)

    def test_killed_at_any_moment_of_its_preparation_it_leaves_no_mount(self):
        self.steps_workflow("""ctx.run(name="a", cmd="git diff-files; ls src | wc -l")""")
        self.commit()
        process = self.start("workflow", "run", "ci")
        self.finish(process, expect=0)
        for ms in range(20, 260, 20):
            process = self.start("workflow", "run", "ci")
            try:
                process.wait(ms / 1000)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.plue("run", "resume", expect=0)
        runs = self.plue("run", "list", "--json", expect=0).json["runs"]
        self.assertEqual({run["status"] for run in runs}, {"success"})
        self.assertEqual({self.log(run["id"]) for run in runs}, {"21\n"})
        self.assertEqual((self.mounts(), list((self.data / "workspaces").iterdir())), ([], []))

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_it_goes_on_after_a_restart_of_the_host(self):
        self.goes_on_after(self.kill_all)

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_a_mount_that_fails_when_it_goes_on_is_told_and_can_be_mended(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo changed > src/1/1.txt")
            if not a.failed:
                ok = ctx.approval("ok")
                b = ctx.run(name="b", cmd="cat src/1/1.txt; ls src | wc -l", depends_on=[ok])
                ctx.run(name="c", cmd="true", when="always", depends_on=[b])
            """)
        self.commit()
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: (self.try_view() or {}).get("status") == "waiting", "the run waits")
        self.kill_all(process)
        image = self.data / "workspaces/1/image"
        start = image.read_bytes()[:4096]
        with image.open("r+b") as f:
            f.write(bytes(4096))
        process = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "approve", 1).status == 0, "the approval is taken")
        self.finish(process, expect=1)
        error = self.step(self.view(), "b")["error"]
        self.assertEqual((error["code"], error["message"]),
                         ("workspace_mount", f"the files of run 1 are there and cannot be mounted: cannot mount the image in {image.parent}: Invalid argument"))
        self.assertIn("(modprobe erofs loop)", error["hint"])
        self.assertTrue(error["hint"].endswith("; then `plue run rerun 1 --failed` goes on with them"), error["hint"])
        self.assertEqual(self.mounts(), [])
        with image.open("r+b") as f:
            f.write(start)
        self.plue("run", "rerun", 1, "--failed", expect=0)
        self.assertEqual(self.log(step="b"), "changed\n21\n")

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_where_nothing_can_be_mounted_files_are_copied(self):
        # A file system without the attributes that an overlay needs.
        self.data.mkdir()
        subprocess.run(["mount", "-t", "ramfs", "ramfs", self.data], check=True)
        self.steps_workflow("""ctx.run(name="a", cmd="git diff-files; mv src/1 src/one; ls src | wc -l; while [ ! -e go ]; do sleep 0.05; done")""")
        self.commit()
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: self.has_said("a", "21"), "it has begun")
        self.assertEqual(self.mounts(), [str(self.data)])
        self.assertFalse((self.data / "workspaces/1/image").exists())
        (self.data / "workspaces/1/workspace/go").touch()
        said = self.finish(process, expect=0).err
        self.assertEqual(self.log(step="a"), "21\n")
        slow = "its files were copied one by one, which is slow: cannot change files below an overlay in "
        self.assertIn(f"run 1: {slow}{self.data}/workspaces/1/", said)
        self.assertIn(": the data folder needs a file system with extended attributes", said)
        self.assertIn(slow, self.plue("run", "view", 1, "--log", "--step", "a", expect=0).out)

    def test_a_workspace_too_large_is_said_as_for_few_files(self):
        os.mkfifo(self.repo / "src/pipe")
        os.symlink("/etc/passwd", self.repo / "out")
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        self.git("add", "-A")
        result = self.plue("workflow", "run", "ci", expect=1)
        self.assertIn("the link out points out of the repository, to /etc/passwd", str(result))
        self.assertEqual(self.mounts(), [])


class Kept(Mounts, PlueTest):
    """Files of a commit and of a snapshot become an image too, and are as where they are unpacked."""

    LOOK = r"""
        ctx.run(name="look", cmd='''
            find . -path ./.git -prune -o ! -type d -printf '%M %u %g %n %s %l %P\n' | sort
            find . -path ./.git -prune -o -type d -printf '%M %u %g %P\n' | sort
            find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
            src/link; git status --porcelain; git fsck; git log --format=%s; git ls-files -s | sha256sum; git diff-files | wc -l''')
        ctx.run(name="kind", cmd="stat -f -c %T .")
        """

    def setUp(self):
        super().setUp()
        self.git("init", "-q", "-b", "main")
        for i in range(FILES):
            self.write(f"src/{i % 20}/{i}.txt", f"file {i}\n" * (i % 400))
        self.write("program", "#!/bin/sh\necho it runs\n", 0o755)
        self.write("empty", "")
        self.write("large", "0123456789abcdef" * 20000)
        self.write("zz/a folder/ünïcode, and: more", "x" * 5000)
        self.write("zz/large too", "0123456789abcdef" * 30001)
        self.write("zz/tool", "#!/bin/sh\n", 0o750)
        os.symlink("../program", self.repo / "src/link")

    def ramfs(self):
        """A data folder in which nothing can be mounted."""
        data = self.top / "ramfs"
        data.mkdir()
        subprocess.run(["mount", "-t", "ramfs", "ramfs", data], check=True)
        return {"PLUE_DATA_DIR": str(data)}

    def looked(self, env={}):
        look, kind = ([line["line"] for line in self.plue("run", "view", 1, "--log", "--json", "--step", step, env=env, expect=0).json["lines"]
                       if line["stream"] == "stdout"] for step in ("look", "kind"))
        return look, kind[0]

    def assert_alike(self, *commands):
        elsewhere, seen = self.ramfs(), []
        for env in ({}, elsewhere):
            for command in commands:
                self.plue(*command, env=env, expect=0)
            seen.append(self.looked(env))
        (imaged, kind), (unpacked, other) = seen
        self.assertEqual((kind, other), ("overlayfs", "ramfs"))
        self.assertEqual(imaged, unpacked)
        self.assertIn("it runs", imaged)
        return imaged

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_a_commit(self):
        self.steps_workflow(self.LOOK)
        self.git("add", "-A")
        self.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",sub/module")
        self.git("commit", "-q", "-m", "one")
        self.write("src/1/1.txt", "changed since\n")
        seen = self.assert_alike(("workflow", "run", "ci", "--ref", "HEAD"))
        self.assertIn(f"{hashlib.sha256(b'file 1' + bytes([10])).hexdigest()}  ./src/1/1.txt", seen)
        self.assertIn("drwxr-xr-x plue plue sub/module", seen)

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_a_commit_whose_attributes_change_files_is_written_by_git(self):
        self.write("zz/.gitattributes", "*.bat eol=crlf\n")
        self.write("zz/a.bat", "one\n")
        self.steps_workflow("""ctx.run(name="a", cmd="od -c zz/a.bat | head -n 1; stat -f -c %T . | grep -v overlay | wc -l")""")
        self.commit()
        self.run_ci("--ref", "HEAD")
        self.assertEqual(self.log(), "0000000   o   n   e  \\r  \\n\n1\n")

    def test_what_a_commit_may_not_have_and_what_it_lacks_is_said_as_for_few_files(self):
        self.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d7a" * 16 + "\nsize 12345\n")
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        self.commit()
        self.assertIn("a Git LFS pointer stands where a file should: big.bin;", self.plue("workflow", "run", "ci", "--ref", "HEAD", expect=0).err)
        os.symlink("../../etc", self.repo / "src/out")
        self.commit()
        error = self.step(self.run_ci("--ref", "HEAD", expect=1), "a")["error"]
        self.assertEqual((error["code"], error["message"]), ("workspace_link", "the link src/out of the commit points out of the repository"))
        self.assertEqual((self.mounts(), list((self.data / "workspaces").iterdir())), ([], []))

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_what_a_run_began_with(self):
        (self.repo / "src/1").chmod(0o700)
        self.write("private", "mine\n", 0o600)
        self.steps_workflow(self.LOOK)
        self.commit()
        before = self.assert_alike(("workflow", "run", "ci"), ("run", "rerun", 1))
        self.write("src/1/1.txt", "changed since\n")
        self.plue("run", "rerun", 1, expect=0)
        self.assertEqual(self.looked(), (before, "overlayfs"))
        self.assertEqual((self.mounts(), list((self.data / "workspaces").iterdir())), ([str(self.top / "ramfs")], []))

    def test_what_its_steps_had_done_when_it_failed(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="rm -r src/2; mv src/3 moved; mv src/19 last; echo changed > src/1/1.txt; mkdir src/2; echo a > src/2/new")
            ctx.run(name="b", cmd="git status --porcelain | wc -l; ls moved last src/4 | wc -l; ls src/2; cat src/1/1.txt; test ! -e src/3; false", depends_on=[a])
            """)
        self.commit()
        self.run_ci(expect=1)
        first = self.log(step="b")
        self.assertEqual(first.split()[2:], ["new", "changed"])
        shutil.rmtree(self.data / "workspaces/1")
        self.write("src/1/1.txt", "changed since\n")
        self.plue("run", "rerun", 1, "--failed", expect=1)
        self.assertEqual(self.log(step="b"), first)


class Trials(Mounts, AgentTest):
    """plue prompt test of an agent: its workspace is in a folder that goes with it."""

    def setUp(self):
        super().setUp()
        self.env["TMPDIR"] = str(self.top / "tmp")
        (self.top / "tmp").mkdir()
        self.git("init", "-q")
        for i in range(FILES):
            self.write(f"many/{i}", f"{i}\n")

    def begin(self):
        """A trial whose agent runs a command that waits."""
        self.agent(turn(("shell", {"command": f"ls many | wc -l; sleep {self.nap} || true"})), turn(DONE))
        process = self.start("prompt", "test", ".plue/prompts/fix.prompt.md", "--input", "goal=x")
        self.wait_for(lambda: processes_with(self.nap), "the tool runs")
        if MOUNTS_WORK:
            self.assertRegex("\n".join(self.mounts()), r"\A\S+/tmp/plue-prompt-\w+/workspaces/1/workspace\Z")
        return process

    def end(self, process, expect):
        keeper, = self.top.glob("tmp/plue-prompt-*/keepers/1")
        pid = int(keeper.read_text().split()[0])
        for sleeping in processes_with(self.nap):
            os.kill(sleeping, signal.SIGTERM)
        done = self.finish(process, expect=expect)
        self.assertEqual((self.mounts(), list((self.top / "tmp").iterdir()), is_alive(pid)), ([], [], False))
        return done

    def test_nothing_is_left(self):
        self.end(self.begin(), expect=0)
        self.assertIn(f'"stdout":"{FILES}\\n"', self.results(1)[0][0].replace(" ", ""))

    def test_nothing_is_left_where_its_run_cannot_end(self):
        process = self.begin()
        database, = self.top.glob("tmp/plue-prompt-*/plue.db")
        with sqlite3.connect(database) as db:
            db.execute("DROP TABLE workflow_steps")
        db.close()
        said = self.end(process, expect=4).err
        self.assertIn("no such table", said)
        self.assertNotIn("is left", said)


class Doctor(PlueTest):
    """What becomes of many files is said before the first run."""

    def workspaces(self, expect, **more):
        checks = self.plue("doctor", "--json", **more).json["checks"]
        check, = (c for c in checks if c["name"] == "workspaces")
        self.assertIs(check["ok"], True)        # nothing is missing: it is slower
        self.assertIn(expect, check["detail"])
        return check

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_an_image(self):
        self.workspaces("an image below an overlay, from 2000 files on")
        self.assertEqual(sorted(self.top.glob("*")), sorted([self.repo, self.home]))

    @unittest.skipUnless(MOUNTS_WORK, "no overlay can be mounted here")
    def test_the_file_system_of_the_data_folder_refuses(self):
        ramfs = self.top / "ramfs"
        ramfs.mkdir()
        subprocess.run(["mount", "-t", "ramfs", "ramfs", ramfs], check=True)
        self.addCleanup(subprocess.run, ["umount", ramfs], check=True)
        self.env["PLUE_DATA_DIR"] = str(ramfs / "not/yet")
        check = self.workspaces(f"files are copied one by one, which is slow from 2000 on: cannot change files below an overlay in {ramfs}/")
        self.assertIn("extended attributes", check["advice"])
        self.assertIn(check["advice"], self.plue("doctor").out)
        self.assertEqual(list(ramfs.iterdir()), [])

    @unittest.skipUnless(os.geteuid() == 0, "not started by root")
    def test_an_ordinary_user(self):
        self.top.chmod(0o755)
        check = self.workspaces("only root can mount one", below=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
        self.assertEqual(check["advice"], "start it as root")


class Conflicts(PlueTest):
    def test_a_file_in_conflict_is_taken_as_it_stands(self):
        self.steps_workflow("""ctx.run(name="a", cmd="cat f")""")
        self.write("f", "a\n")
        self.commit()
        self.git("checkout", "-q", "-b", "other")
        self.write("f", "b\n")
        self.commit()
        self.git("checkout", "-q", "-")
        self.write("f", "c\n")
        self.commit()
        merged = subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "merge", "other"], cwd=self.repo, env=self.env, capture_output=True, text=True)
        self.assertEqual(merged.returncode, 1, merged.stdout)
        self.run_ci()
        self.assertEqual(self.log(step="a"), (self.repo / "f").read_text())
