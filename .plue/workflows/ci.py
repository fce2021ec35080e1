"""Plue built and tested by Plue.

This runs in a sandbox without network. What needs a sandbox or ptrace of its own stays outside of it:
the e2e tests and the unit tests of sandbox/ and runner/ (suite "host") make sandboxes, and a sandbox
refuses new namespaces; the leak sanitizer traces its process, and a sandbox refuses ptrace.
`make test` runs all of these.
"""
from plue import workflow, push, pull_request, manual

BUILD = "/tmp/build"
SUITES = ["unit", "lang"]      # without the suite "host"


@workflow(
    triggers=[push(branches=["main"]), pull_request(), manual()],
    timeout="30m",
)
def ci(ctx):
    checks = ctx.parallel([
        ctx.run(name="formatting", cmd="scripts/format --check"),
        ctx.run(name="layering", cmd="scripts/layers"),
        ctx.run(name="error codes", cmd="scripts/errors-check"),
    ])
    configure = ctx.run(name="configure", cmd=f"meson setup {BUILD}", depends_on=[])
    build = ctx.run(name="compile", cmd=f"ninja -C {BUILD}", depends_on=[configure], timeout="15m")
    version = ctx.run(name="version", cmd=f"{BUILD}/plue version", depends_on=[build])
    tests = ctx.parallel([
        ctx.run(
            name=f"{suite} tests",
            cmd=f"meson test -C {BUILD} --no-rebuild --print-errorlogs --suite {suite} --no-suite host --logbase {suite}",
            depends_on=[build],
            timeout="10m",
        )
        for suite in SUITES
    ])
    ctx.run(
        name="report",
        cmd=f"cat {BUILD}/meson-logs/*.txt | grep -E '^(Ok|Fail|Timeout)' || true",
        depends_on=[tests],
        when="always",
    )
    return ctx.success(version=version.stdout.strip())
