/* The cloud's metadata service answers on link-local addresses, to whoever shares the host's
 * network. A step with network="all" does. Four small programs on its control group (version 2) let
 * the kernel refuse those addresses, for connect and for datagrams, in every process of the step.
 */
#include "sandbox/sandbox_int.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(dst, field)                                                           \
    {                                                                              \
        .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (dst), .src_reg = BPF_REG_1, \
        .off = offsetof(struct bpf_sock_addr, field)                               \
    }
#define MASK(dst, value)                                                             \
    {                                                                                \
        .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = (dst), .imm = (int32_t)(value) \
    }
/* Skips n instructions where the register differs, as 32 bits. */
#define UNLESS(dst, value, n)                                                                      \
    {                                                                                              \
        .code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = (dst), .off = (n), .imm = (int32_t)(value) \
    }
#define RESULT(value)                                                             \
    {                                                                             \
        .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = (value) \
    }
#define END                        \
    {                              \
        .code = BPF_JMP | BPF_EXIT \
    }
enum { REFUSE, ALLOW };

/* Addresses stand in the context as on the wire. */
static bool load_program(enum bpf_attach_type type, const struct bpf_insn *code, size_t n,
                         int *ret_fd)
{
    union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
                           .expected_attach_type = type,
                           .insns = (uintptr_t)code,
                           .insn_cnt = (uint32_t)n,
                           .license = (uintptr_t) "MIT"};
    *ret_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
    return *ret_fd >= 0;
}

static bool attach(int cgroup, enum bpf_attach_type type, const struct bpf_insn *code, size_t n)
{
    auto_fd program = -1;
    if (!load_program(type, code, n, &program))
        return false;
    union bpf_attr attr = {.target_fd = (uint32_t)cgroup,
                           .attach_bpf_fd = (uint32_t)program,
                           .attach_type = type,
                           .attach_flags = BPF_F_ALLOW_MULTI};
    return syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof attr) == 0;
}

bool egress_guard(int cgroup)
{
    /* 169.254.0.0/16 */
    const struct bpf_insn v4[] = {
        LOAD(BPF_REG_2, user_ip4),
        MASK(BPF_REG_2, htonl(0xffff0000)),
        UNLESS(BPF_REG_2, htonl(0xa9fe0000), 2),
        RESULT(REFUSE),
        END,
        RESULT(ALLOW),
        END,
    };
    /* fe80::/10, fd00:ec2::/32, and 169.254.0.0/16 written as ::ffff:a.b.c.d */
    const struct bpf_insn v6[] = {
        LOAD(BPF_REG_2, user_ip6[0]),
        MASK(BPF_REG_2, htonl(0xffc00000)),
        UNLESS(BPF_REG_2, htonl(0xfe800000), 2),
        RESULT(REFUSE),
        END,
        LOAD(BPF_REG_2, user_ip6[0]),
        UNLESS(BPF_REG_2, htonl(0xfd000ec2), 2),
        RESULT(REFUSE),
        END,
        UNLESS(BPF_REG_2, 0, 9),
        LOAD(BPF_REG_2, user_ip6[1]),
        UNLESS(BPF_REG_2, 0, 7),
        LOAD(BPF_REG_2, user_ip6[2]),
        UNLESS(BPF_REG_2, htonl(0x0000ffff), 5),
        LOAD(BPF_REG_2, user_ip6[3]),
        MASK(BPF_REG_2, htonl(0xffff0000)),
        UNLESS(BPF_REG_2, htonl(0xa9fe0000), 2),
        RESULT(REFUSE),
        END,
        RESULT(ALLOW),
        END,
    };
    enum { V4 = sizeof v4 / sizeof *v4, V6 = sizeof v6 / sizeof *v6 };
    return attach(cgroup, BPF_CGROUP_INET4_CONNECT, v4, V4) &&
           attach(cgroup, BPF_CGROUP_UDP4_SENDMSG, v4, V4) &&
           attach(cgroup, BPF_CGROUP_INET6_CONNECT, v6, V6) &&
           attach(cgroup, BPF_CGROUP_UDP6_SENDMSG, v6, V6);
}

/* Where no program can be attached: is there a metadata service to be afraid of? */
bool egress_host_is_cloud(void)
{
    static const struct {
        const char *file, *mark;
    } marks[] = {
        {"sys_vendor", "Amazon"},
        {"sys_vendor", "Google"},
        {"sys_vendor", "DigitalOcean"},
        {"sys_vendor", "OpenStack"},
        {"sys_vendor", "Hetzner"},
        {"sys_vendor", "Alibaba"},
        {"sys_vendor", "Scaleway"},
        {"sys_vendor", "Vultr"},
        {"bios_vendor", "Amazon"},
        {"chassis_asset_tag", "OracleCloud"},
        {"chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"}, /* Azure */
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        auto_buf path = BUF(128), text = BUF(4096);
        buf_addf(&path, "/sys/class/dmi/id/%s", marks[i].file);
        auto_fd fd = open(buf_c(&path), O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && !fd_read_all(fd, &text) && str_has(buf_str(&text), str_of(marks[i].mark)))
            return true;
    }
    return false;
}
