"""Build and test with every compiler of this machine, look at the style, and package what passed."""
from plue import workflow, push, pull_request, manual, enum, optional

# Offered to the machine; the first step says which are there.
COMPILERS = ["gcc", "clang", "tcc"]
LEVELS = {"quick": ["-O2"], "full": ["-O0", "-O2", "-O3"]}


def build_env(compiler, level):
    # What a step printed is untrusted, so it goes through the environment and not into the command.
    return {"CC": compiler, "OPT": level, "OUT": f"out/{compiler}{level}"}


@workflow(
    triggers=[
        push(branches=["main"]),
        pull_request(paths=["src/**", "tests/**", "Makefile"]),
        manual(inputs={"level": optional(enum("quick", "full"))}),
    ],
    timeout="10m",
)
def ci(ctx):
    probe = ctx.run(
        name="find compilers",
        cmd=f"""
            found=
            for cc in {' '.join(COMPILERS)}; do
                if command -v "$cc" > /dev/null; then found="$found $cc"; "$cc" --version | head -n 1; fi
            done
            echo "compilers=$found" >> "$PLUE_OUTPUT"
        """,
    )
    lint = ctx.run(name="lint", cmd="make lint", depends_on=[], continue_on_error=True, timeout="1m")

    levels = LEVELS[ctx.inputs.get("level", "full") if ctx.event.type == "manual" else "full"]
    # The compilers are known when the step has run: the plan stops here and grows then.
    targets = [(compiler, level) for compiler in probe.outputs.compilers.split() for level in levels]
    if not targets:
        return ctx.fail("there is no C compiler here")

    builds = ctx.parallel(
        [ctx.run(name=f"build {c} {level}", cmd="make all", env=build_env(c, level)) for c, level in targets],
        limit=4,
    )
    tests = [
        ctx.run(name=f"test {c} {level}", cmd="make test", env=build_env(c, level), depends_on=[builds], retries=1)
        for c, level in targets
    ]
    broken = [f"{c} {level}" for (c, level), test in zip(targets, tests) if test.failed]
    if broken:
        return ctx.fail(f"tests failed with {', '.join(broken)}")

    package = ctx.run(
        name="package",
        cmd="""
            make package
            tar -tzf out/strlist-*.tar.gz
            echo "version=$(cat VERSION)" >> "$PLUE_OUTPUT"
        """,
        env=build_env(*targets[0]),
        depends_on=tests,
    )
    return ctx.success(version=package.outputs.version, builds=len(targets), style=lint.ok)
