/* Rules, addresses and the reading of requests, which decide alone whether a host is reached. */
#include "proxy/proxy.h"
#include "proxy/request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct proxy_rules rules_of(const char *const *texts)
{
    struct proxy_rules r;
    auto_err err = ERR_INIT;
    if (!proxy_rules_parse(texts, &r, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    return r;
}

static void rules__are_hosts_with_and_without_ports(void **state)
{
    (void)state;
    static const char *const good[] = {
        "example.org", "example.org:443",   "EXAMPLE.org.:1",  "10.0.0.5:8080",        "[::1]:80",
        "[fd00::5]",   "a-b.c_d.example:1", "localhost:65535", "xn--bcher-kva.example"};
    static const char *const bad[] = {"",
                                      ":443",
                                      "example.org:",
                                      "example.org:0",
                                      "example.org:65536",
                                      "example.org:+1",
                                      "example.org:443x",
                                      "*.example.org",
                                      "*",
                                      "https://example.org",
                                      "example.org/x",
                                      "user@example.org",
                                      "a b",
                                      ("b\xc3\xbc"
                                       "cher.example"),
                                      "::1",
                                      "[::1",
                                      "[::1]x",
                                      "[example.org]:1",
                                      ".example.org",
                                      "a..b",
                                      "a..",
                                      "-a",
                                      "10.0.0.0/8"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!proxy_rule_is_valid(str_of(good[i])))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (proxy_rule_is_valid(str_of(bad[i])))
            fail_msg("%s is accepted", bad[i]);
}

static void rules__match_host_and_port_exactly(void **state)
{
    (void)state;
    const char *const texts[] = {"example.org", "Git.Example:22", "10.1.2.3:80", "[fd00::5]:443",
                                 NULL};
    cleanup(proxy_rules_done) struct proxy_rules r = rules_of(texts);
    static const struct {
        const char *host;
        uint16_t port;
        enum proxy_verdict verdict;
    } cases[] = {
        {"example.org", 443, PROXY_ALLOWED},
        {"example.org", 80, PROXY_ALLOWED},
        {"EXAMPLE.ORG.", 443, PROXY_ALLOWED},
        {"example.org", 22, PROXY_PORT_NOT_LISTED},
        {"git.example", 22, PROXY_ALLOWED},
        {"git.example", 443, PROXY_PORT_NOT_LISTED},
        {"sub.example.org", 443, PROXY_NOT_LISTED},
        {"example.org.evil.example", 443, PROXY_NOT_LISTED},
        {"xexample.org", 443, PROXY_NOT_LISTED},
        {"10.1.2.3", 80, PROXY_ALLOWED},
        {"::ffff:10.1.2.3", 80, PROXY_ALLOWED},
        {"10.1.2.3", 81, PROXY_PORT_NOT_LISTED},
        {"10.1.2.4", 80, PROXY_NOT_LISTED},
        {"fd00:0:0::5", 443, PROXY_ALLOWED},
        {"169.254.169.254", 80, PROXY_NEVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char host[PROXY_HOST_MAX + 1];
        assert_true(proxy_read_host(str_of(cases[i].host), host));
        enum proxy_verdict v = proxy_judge_host(&r, host, cases[i].port);
        if (v != cases[i].verdict)
            fail_msg("%s:%u is %d", cases[i].host, cases[i].port, v);
    }
}

static void addresses__of_private_networks_must_be_listed_themselves(void **state)
{
    (void)state;
    const char *const texts[] = {"example.org:443", "10.1.2.3:443", "localhost:443", NULL};
    cleanup(proxy_rules_done) struct proxy_rules r = rules_of(texts);
    static const struct {
        const char *address;
        enum proxy_verdict verdict;
    } cases[] = {
        {"93.184.216.34", PROXY_ALLOWED},
        {"2606:2800:220::1", PROXY_ALLOWED},
        {"10.1.2.3", PROXY_ALLOWED}, /* listed */
        {"::ffff:10.1.2.3", PROXY_ALLOWED},
        {"10.1.2.4", PROXY_PRIVATE},
        {"127.0.0.1", PROXY_PRIVATE},
        {"127.255.0.9", PROXY_PRIVATE},
        {"::1", PROXY_PRIVATE},
        {"172.16.0.1", PROXY_PRIVATE},
        {"172.32.0.1", PROXY_ALLOWED},
        {"192.168.255.255", PROXY_PRIVATE},
        {"100.64.0.1", PROXY_PRIVATE},
        {"198.18.0.1", PROXY_PRIVATE},
        {"fc00::1", PROXY_PRIVATE},
        {"::ffff:127.0.0.1", PROXY_PRIVATE},
        {"64:ff9b::7f00:1", PROXY_PRIVATE},
        {"2002:c0a8:0101::1", PROXY_PRIVATE},
        {"64:ff9b::a9fe:a9fe", PROXY_NEVER},
        {"2002:a9fe:a9fe::1", PROXY_NEVER},
        {"::ffff:169.254.169.254", PROXY_NEVER},
        {"::169.254.169.254", PROXY_NEVER},
        {"2001:0:1:2::3", PROXY_NEVER},
        {"169.254.0.1", PROXY_NEVER},
        {"168.63.129.16", PROXY_NEVER},
        {"100.100.100.200", PROXY_NEVER},
        {"192.0.0.192", PROXY_NEVER},
        {"0.0.0.0", PROXY_NEVER},
        {"::", PROXY_NEVER},
        {"224.0.0.1", PROXY_NEVER},
        {"255.255.255.255", PROXY_NEVER},
        {"fe80::1", PROXY_NEVER},
        {"fd00:ec2::254", PROXY_NEVER},
        {"fd20:ce::254", PROXY_NEVER},
        {"ff02::1", PROXY_NEVER},
        {"64:ff9b:1::1", PROXY_NEVER},
        {"4000::1", PROXY_NEVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct proxy_address a;
        assert_true(proxy_read_address(str_of(cases[i].address), &a));
        enum proxy_verdict v = proxy_judge_address(&r, "example.org", 443, &a);
        if (v != cases[i].verdict)
            fail_msg("%s is %d", cases[i].address, v);
    }
    struct proxy_address own;
    assert_true(proxy_read_address(STR("127.0.0.1"), &own));
    assert_int_equal(proxy_judge_address(&r, "localhost", 443, &own), PROXY_ALLOWED);
}

static void addresses__are_read_in_one_form_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"127.1",      "2130706433", "0x7f.0.0.1", "0177.0.0.1",
                                      "127.0.0.1 ", "[::1]",      "::1%lo",     "1.2.3.4.5"};
    struct proxy_address a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (proxy_read_address(str_of(bad[i]), &a))
            fail_msg("%s is read", bad[i]);
}

static void refusals__say_how_to_allow_it(void **state)
{
    (void)state;
    struct proxy_address a;
    auto_buf b = BUF(4096);
    assert_true(proxy_read_address(STR("10.0.0.9"), &a));
    proxy_add_refusal(&b, PROXY_NOT_LISTED, "fd00::5", 80, NULL);
    buf_add_byte(&b, '\n');
    proxy_add_refusal(&b, PROXY_PORT_NOT_LISTED, "a.example", 80, NULL);
    buf_add_byte(&b, '\n');
    proxy_add_refusal(&b, PROXY_PRIVATE, "a.example", 443, &a);
    buf_add_byte(&b, '\n');
    proxy_add_refusal(&b, PROXY_NEVER, "169.254.169.254", 80, NULL);
    assert_string_equal(
        buf_c(&b),
        "[fd00::5]:80 was refused: it is not among the hosts of network=; to allow it, add "
        "\"[fd00::5]:80\"\n"
        "a.example:80 was refused: network= lists the host with another port; to allow it, add "
        "\"a.example:80\"\n"
        "a.example:443 was refused: its address 10.0.0.9 is not a public one; to allow it, add "
        "\"10.0.0.9:443\" to network= too\n"
        "169.254.169.254:80 was refused: no step may reach 169.254.169.254: link-local, metadata "
        "and reserved addresses cannot be allowed");
}

/* What is read of a request: its target, what goes on, and what is left for the origin. */
static void expect_read(const char *bytes, const char *expected)
{
    struct proxy_request r;
    const char *problem = NULL;
    auto_buf head = BUF(PROXY_HEAD_MAX * 2), shown = BUF(PROXY_HEAD_MAX * 2);
    switch (proxy_read_request(str_of(bytes), &r, &head, &problem)) {
    case PROXY_READ_MORE:
        buf_add_c(&shown, "more");
        break;
    case PROXY_READ_BAD:
        buf_addf(&shown, "bad: %s", problem);
        break;
    case PROXY_READ_GOOD:
        buf_addf(&shown, "%s %s %u rest=%s head=%s", r.tunnel ? "tunnel" : "forward", r.host,
                 r.port, bytes + r.used, buf_c(&head));
        break;
    }
    if (strcmp(buf_c(&shown), expected) != 0)
        fail_msg("%s\ngives    %s\nexpected %s", bytes, buf_c(&shown), expected);
}

static void requests__are_tunnels_and_forwards(void **state)
{
    (void)state;
    expect_read("CONNECT Example.org:443 HTTP/1.1\r\nHost: x\r\n\r\nhello",
                "tunnel example.org 443 rest=hello head=");
    expect_read("CONNECT [::1]:8 HTTP/1.0\r\n\r\n", "tunnel ::1 8 rest= head=");
    expect_read("GET http://a.example/x?y=1 HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n\r\n",
                "forward a.example 80 rest= head=GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\n"
                "Connection: close\r\nAccept: */*\r\n\r\n");
    expect_read("GET http://a.example:81?y HTTP/1.1\r\nProxy-Connection: keep-alive\r\n"
                "Connection: close, X-Hop\r\nx-hop: 1\r\nTE: trailers\r\nX-Kept: 2\r\n\r\n",
                "forward a.example 81 rest= head=GET /?y HTTP/1.1\r\nHost: a.example:81\r\n"
                "Connection: close\r\nX-Kept: 2\r\n\r\n");
    expect_read("PUT HTTP://a.example HTTP/1.0\r\nContent-Length: 2\r\n\r\nab",
                "forward a.example 80 rest=ab head=PUT / HTTP/1.0\r\nHost: a.example\r\n"
                "Connection: close\r\nContent-Length: 2\r\n\r\n");
    expect_read("GET http://a.ex", "more");
    expect_read("GET http://a.example/ HTTP/1.1\r\nA: b\r\n", "more");
}

static void requests__that_can_be_read_in_two_ways_are_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET https://a.example/ HTTP/1.1\r\n\r\n",
        "GET ftp://a.example/ HTTP/1.1\r\n\r\n",
        "GET http://user@a.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example\\@b.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example:/ HTTP/1.1\r\n\r\n",
        "GET http://a.example:80x/ HTTP/1.1\r\n\r\n",
        "GET http://a.example:99999/ HTTP/1.1\r\n\r\n",
        "GET http:///x HTTP/1.1\r\n\r\n",
        "GET http://%61.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example/ x HTTP/1.1\r\n\r\n",
        "GET http://a.example/\tx HTTP/1.1\r\n\r\n",
        "GET  http://a.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example/ HTTP/2.0\r\n\r\n",
        "GET http://a.example/\r\n\r\n",
        "G(T http://a.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nA : b\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nno colon\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nA: b\nB: c\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nA: b\rB: c\r\n\r\n",
        "CONNECT a.example HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443/ HTTP/1.1\r\n\r\n",
        "CONNECT http://a.example:443 HTTP/1.1\r\n\r\n",
        "CONNECT [a.example]:443 HTTP/1.1\r\n\r\n",
        "CONNECT ::1:443 HTTP/1.1\r\n\r\n",
        "CONNECT [::1 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:+443 HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct proxy_request r;
        const char *problem = NULL;
        auto_buf head = BUF(PROXY_HEAD_MAX * 2);
        if (proxy_read_request(str_of(heads[i]), &r, &head, &problem) != PROXY_READ_BAD)
            fail_msg("accepted: %s", heads[i]);
        assert_non_null(problem);
        assert_int_equal(head.n, 0);
    }
}

static void requests__with_endless_heads_are_refused(void **state)
{
    (void)state;
    auto_buf bytes = BUF(PROXY_HEAD_MAX * 2), head = BUF(PROXY_HEAD_MAX * 2);
    struct proxy_request r;
    const char *problem;
    buf_add_c(&bytes, "GET http://a.example/ HTTP/1.1\r\nA: ");
    buf_add_repeat(&bytes, 'x', PROXY_HEAD_MAX);
    assert_int_equal(proxy_read_request(str_sub(buf_str(&bytes), 0, 1000), &r, &head, &problem),
                     PROXY_READ_MORE);
    assert_int_equal(proxy_read_request(buf_str(&bytes), &r, &head, &problem), PROXY_READ_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules__are_hosts_with_and_without_ports),
        cmocka_unit_test(rules__match_host_and_port_exactly),
        cmocka_unit_test(addresses__of_private_networks_must_be_listed_themselves),
        cmocka_unit_test(addresses__are_read_in_one_form_only),
        cmocka_unit_test(refusals__say_how_to_allow_it),
        cmocka_unit_test(requests__are_tunnels_and_forwards),
        cmocka_unit_test(requests__that_can_be_read_in_two_ways_are_refused),
        cmocka_unit_test(requests__with_endless_heads_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
