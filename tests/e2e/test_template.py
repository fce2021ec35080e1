"""plue template: what it writes, how its errors read, and what keeps it inside of its root and its limits."""
import os

import jinja2

from harness import PlueTest


class Template(PlueTest):
    def render(self, text, *args, expect=None):
        self.write("t.j2", text)
        return self.plue("template", *args, "t.j2", expect=expect)

    def test_the_rendered_text_alone_goes_to_stdout(self):
        self.write("c.json", '{"name": "World"}')
        result = self.render("Hello {{ name }}!\n", "--context", "c.json", expect=0)
        self.assertEqual((result.out, result.err), ("Hello World!", ""))

    def test_an_error_names_the_innermost_template_first_and_then_what_included_it(self):
        self.write("in.j2", "\n{{ nope.x }}")
        result = self.render("a\n{% include 'in.j2' %}\n", expect=2)
        self.assertEqual(result.out, "")
        self.assertEqual(result.err, "in.j2:2:4: error: 'nope' is undefined\n    2 | {{ nope.x }}\n"
                                     "      |    ^^^^^^\nt.j2:2:4: in <template>\n")

    def test_a_strict_template_may_not_print_what_is_undefined(self):
        self.assertEqual(self.render("{{ x }}", expect=0).out, "")
        self.assertIn("t.j2:1:4: error: 'x' is undefined", self.render("{{ x }}", "--undefined", "strict", expect=2).err)
        self.assertEqual(self.render("{{ x.y.z }}", "--undefined", "chainable", expect=0).out, "")

    def test_what_cannot_be_assigned_to_has_the_name_that_jinja2_gives_it(self):
        for target in ("x | upper", "x is odd", "x is not odd", "x ~ y", "x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "x ** y", "-x", "+x",
                       "not x", "x and y", "x or y", "x < y", "x not in y", "x if y else z", "x()", "x.y", "x[0]", "x[1:2]", "1", "1.5", "'a'",
                       "none", "[x]", "{}", "(x, 1)", "((x, y.z), 2)"):
            for tag in ("{%% set (%s) = 1 %%}", "{%% for (%s) in y %%}{%% endfor %%}", "{%% set (%s) %%}{%% endset %%}", "{%% with (%s) = 2 %%}{%% endwith %%}"):
                with self.assertRaises(jinja2.TemplateSyntaxError) as expected:
                    jinja2.Environment().from_string(tag % target)
                self.assertIn(f"error: {expected.exception.message}\n", self.render(tag % target, expect=2).err)

    def test_no_name_leaves_the_root(self):
        self.write("outside.txt", "secret")
        self.write("root/page.j2", "x")
        os.symlink("../outside.txt", self.repo / "root/link.j2")
        os.symlink("page.j2", self.repo / "root/inside.j2")
        os.symlink(self.repo / "root/page.j2", self.repo / "root/absolute.j2")
        os.symlink(self.repo / "outside.txt", self.repo / "root/absolute-out.j2")
        for name in ("../outside.txt", "/../outside.txt", "link.j2", "absolute-out.j2", "a/../../outside.txt", str(self.repo / "outside.txt")):
            result = self.render("{% include '" + name + "' %}", "--root", "root", expect=2)
            self.assertIn("is not found", result.err)
            self.assertNotIn("secret", result.out + result.err)
        for name in ("/page.j2", "./page.j2", "inside.j2", "absolute.j2"):
            self.assertEqual(self.render("{% include '" + name + "' %}", "--root", "root", expect=0).out, "x")

    def test_limits_end_a_template(self):
        for text, words in (("{% for i in range(1000000000) %}{% endfor %}", "instructions"),
                            ("{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}", "memory"),
                            ("{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}", "writes more than"),
                            ("{% include 't.j2' %}", "nested deeper"),
                            ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested deeper")):
            self.assertIn(words, self.render(text, expect=2).err)

    def test_a_context_that_is_no_proper_object_is_refused(self):
        for text in ('{"a": 1, "a": 2}', '{"a": NaN}', "[1]", "{"):
            self.write("c.json", text)
            self.assertEqual(self.render("x", "--context", "c.json", expect=2).out, "")
