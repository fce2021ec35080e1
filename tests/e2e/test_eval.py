"""plue eval: what it prints and how it ends."""
import subprocess

import harness
from harness import PlueTest


class Eval(PlueTest):
    def eval(self, text, *args, expect=None):
        self.write("t.py", text)
        return self.plue("eval", *args, "t.py", expect=expect)

    def test_print_goes_to_stdout_and_the_status_is_zero(self):
        result = self.eval("print('hello', 1 + 1)\n", expect=0)
        self.assertEqual((result.out, result.err), ("hello 2\n", ""))

    def test_an_empty_file_is_a_program(self):
        result = self.eval("", expect=0)
        self.assertEqual((result.out, result.err), ("", ""))

    def test_an_uncaught_exception_ends_with_its_message_and_status_1(self):
        result = self.eval("print('before')\ndef f(x):\n    return 1 // x\nf(0)\n", expect=1)
        self.assertEqual(result.out, "before\n")
        self.assertEqual(result.err.splitlines()[-1], "ZeroDivisionError: integer division or modulo by zero")
        self.assertRegex(result.err, r"t\.py.*4")
        self.assertRegex(result.err, r"t\.py.*3")
        self.assertIn("return 1 // x", result.err)

    def test_all_syntax_and_policy_errors_are_reported_with_status_2(self):
        result = self.eval("import os\nx = open('a')\nclass A: pass\nprint('never')\n", expect=2)
        self.assertEqual(result.out, "")
        places = [line.split(": error:")[0] for line in result.err.splitlines() if ": error:" in line]
        self.assertEqual(places, ["t.py:1:8", "t.py:2:5", "t.py:3:1"])

    def test_a_diagnostic_shows_the_line_a_caret_and_a_hint(self):
        result = self.eval("def f():\n    return open('x')\n", expect=2)
        lines = result.err.splitlines()
        self.assertTrue(lines[0].startswith("t.py:2:12: error: 'open' is not available in workflow files"), result.err)
        self.assertEqual(lines[1:3], ["    2 |     return open('x')", "      |            ^^^^"], result.err)
        self.assertRegex(lines[3], "^ *hint: ")

    def test_limits_end_with_status_2_and_their_name(self):
        result = self.eval("while True: pass\n", "--max-instructions", "10000", expect=2)
        self.assertIn("instruction", result.err)
        result = self.eval("def f(n): return f(n + 1)\nf(0)\n", expect=2)
        self.assertIn("depth", result.err)
        nested = "def f(n): return n and f(n - 1)\nf(50)\n"
        self.eval(nested, expect=0)
        self.assertIn("depth", self.eval(nested, "--max-depth", "20", expect=2).err)
        result = self.eval("x = []\nwhile True: x.append('y' * 1000)\n", "--max-memory", "1000000", expect=2)
        self.assertIn("memory", result.err)

    def test_the_default_limits_hold(self):
        result = self.eval("while True: pass\n", expect=2)
        self.assertIn("instruction", result.err)
        result = self.eval("x = 'a'\nwhile True: x = x + x\n", expect=2)
        self.assertIn("memory", result.err)

    def test_a_missing_file_is_named(self):
        result = self.plue("eval", "nowhere.py", expect=2)
        self.assertIn("nowhere.py", result.err)
        self.assertIn("No such file", result.err)

    def test_a_folder_is_refused(self):
        (self.repo / "folder.py").mkdir()
        self.assertIn("folder.py", self.plue("eval", "folder.py", expect=2).err)

    def test_no_argument_is_a_usage_error(self):
        self.assertIn("plue eval", self.plue("eval", expect=2).err)

    def test_bytes_that_are_no_text_are_an_error_with_a_place(self):
        self.write("t.py", b"x = 1\ny = '\xff'\n")
        self.assertRegex(self.plue("eval", "t.py", expect=2).err, r"^t\.py:2:6: error: .*UTF-8")

    def test_a_nul_byte_is_an_error_with_a_place(self):
        self.write("t.py", b"x = 1\ny = \x00 2\n")
        self.assertRegex(self.plue("eval", "t.py", expect=2).err, r"^t\.py:2:5: error: ")

    def test_a_byte_order_mark_and_a_coding_comment_are_accepted(self):
        self.write("t.py", b"\xef\xbb\xbf# -*- coding: utf-8 -*-\nprint('\xc3\xa9')\n")
        self.assertEqual(self.plue("eval", "t.py", expect=0).out, "é\n")

    def test_another_coding_is_refused(self):
        self.write("t.py", "# coding: latin-1\nprint(1)\n")
        self.assertRegex(self.plue("eval", "t.py", expect=2).err, r"^t\.py:1:\d+: error: .*latin-1")

    def test_carriage_returns_end_lines(self):
        self.write("t.py", b"if True:\r\n    print('a')\r\nprint('b')\r\n")
        self.assertEqual(self.plue("eval", "t.py", expect=0).out, "a\nb\n")

    def test_a_source_over_a_mebibyte_is_refused(self):
        self.write("t.py", "#" * (1 << 20) + "\n")
        self.assertRegex(self.plue("eval", "t.py", expect=2).err, "1 ?MiB|1048576|too (large|long|big)")

    def test_deep_nesting_is_accepted_to_100_and_refused_beyond_the_limit(self):
        self.assertEqual(self.eval("print(" + "(" * 98 + "1" + ")" * 98 + ")\n", expect=0).out, "1\n")
        self.assertRegex(self.eval("(" * 100000 + "1" + ")" * 100000, expect=2).err, "^t.py:1:[0-9]+: error: .*nest")
        blocks = "".join("    " * i + "if True:\n" for i in range(50)) + "    " * 50 + "print('deep')\n"
        self.assertEqual(self.eval(blocks, expect=0).out, "deep\n")
        self.eval("-" * 200000 + "1", expect=2)
        self.eval("x = " + "not " * 200000 + "1", expect=2)
        self.eval("x = " + "[" * 200000, expect=2)
        self.eval("x" + ".a" * 50000 + "\n", expect=2)
        self.eval("x = 1" + " + 1" * 50000 + "\nprint(x)\n", expect=2)
        self.assertEqual(self.eval("x = 1" + " + 1" * 1000 + "\nprint(x)\n", expect=0).out, "1001\n")

    def test_two_runs_print_the_same(self):
        text = "d = {str(i): {i, i + 1} for i in range(100)}\nprint(d, set('hello world'), [f for f in frozenset('abc')])\n"
        self.assertEqual(self.eval(text, expect=0).out, self.eval(text, expect=0).out)

    def test_a_closed_stdout_is_no_crash(self):
        self.write("t.py", "for i in range(50000): print('line', i)\n")
        reader = subprocess.Popen(["head", "-n", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        done = subprocess.run([harness.PLUE, "eval", "t.py"], cwd=self.repo, env=self.env, stdout=reader.stdin,
                              stderr=subprocess.PIPE, timeout=60)
        reader.stdin.close()
        self.assertEqual(reader.stdout.read(), b"line 0\n")
        reader.stdout.close()
        reader.wait()
        self.assertNotIn(b"Sanitizer", done.stderr)
        self.assertIn(done.returncode, (4, -13, 0), done.stderr)
