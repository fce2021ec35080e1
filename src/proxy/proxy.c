/* One link carries one client's connection: its request is read and judged, the host looked up and
 * judged again, and then bytes are carried both ways until both sides have ended. A name that is
 * being looked up cannot be taken back from the thread that does it, so a lookup may outlive its
 * link and then finds nobody. */
#include "proxy/proxy.h"
#include "proxy/request.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <uv.h>

enum {
    BACKLOG = 128,
    PIECE = 32 << 10,     /* carried at a time, in each direction */
    LINGER_MS = 2 * 1000, /* for a client to read its refusal */
    SENTENCE_MAX = 1024,
};

enum link_state { LINK_READING, LINK_FINDING, LINK_CONNECTING, LINK_CARRYING, LINK_ANSWERED };

struct link;

/* One direction. What was read is written before more is read. */
struct pipe {
    struct link *link;
    uv_stream_t *from, *to;
    uv_write_t write;
    uv_shutdown_t shutdown;
    bool ended;
    char piece[PIECE];
};

struct lookup {
    uv_getaddrinfo_t request;
    struct link *link; /* NULL once that is gone */
};

struct link {
    struct proxy *proxy;
    struct link *next;
    enum link_state state;
    bool closing;
    uv_tcp_t client, host;
    uv_timer_t timer;
    int open_handles;
    bool host_open; /* the handle is in use */
    struct buf in, head, answer;
    struct proxy_request request;
    struct lookup *lookup;
    struct proxy_address addresses[PROXY_ADDRESSES_MAX];
    size_t address_count, tried;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct pipe up, down;
};

struct proxy {
    uv_loop_t *loop;
    uv_tcp_t listener;
    struct proxy_rules rules;
    void (*notice)(void *user, str sentence);
    void (*closed)(void *user);
    void *user;
    size_t notices, link_count;
    struct link *links;
    bool closing, listener_closed;
};

/* ---- ends ---- */

static void free_when_over(struct proxy *p)
{
    if (!p->closing || !p->listener_closed || p->links)
        return;
    void (*closed)(void *user) = p->closed;
    void *user = p->user;
    proxy_rules_done(&p->rules);
    free(p);
    if (closed)
        closed(user);
}

static void link_free(struct link *l)
{
    struct proxy *p = l->proxy;
    struct link **at = &p->links;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    p->link_count--;
    if (l->lookup)
        l->lookup->link = NULL;
    buf_done(&l->in);
    buf_done(&l->head);
    buf_done(&l->answer);
    free(l);
    free_when_over(p);
}

static void handle_closed(uv_handle_t *handle)
{
    struct link *l = handle->data;
    if (--l->open_handles == 0)
        link_free(l);
}

static void link_close(struct link *l)
{
    if (l->closing)
        return;
    l->closing = true;
    uv_close((uv_handle_t *)&l->client, handle_closed);
    uv_close((uv_handle_t *)&l->timer, handle_closed);
    if (l->host_open && !uv_is_closing((uv_handle_t *)&l->host))
        uv_close((uv_handle_t *)&l->host, handle_closed);
}

static void on_late(uv_timer_t *timer)
{
    link_close(timer->data);
}

/* ---- refusals and failures ---- */

static void tell(struct proxy *p, str sentence)
{
    if (p->closing || p->notices >= PROXY_NOTICES_MAX)
        return;
    p->notices++;
    if (p->notices < PROXY_NOTICES_MAX)
        p->notice(p->user, sentence);
    else
        p->notice(p->user, STR("network: further refusals of this step are not shown"));
}

static void give_piece(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct link *l = handle->data;
    *ret = uv_buf_init(l->up.piece, PIECE);
}

/* What the client still sends is read and dropped: closing before would take the answer away. */
static void on_dropped(uv_stream_t *client, ssize_t n, const uv_buf_t *piece)
{
    (void)piece;
    if (n < 0)
        link_close(client->data);
}

static void on_answered(uv_write_t *write, int status)
{
    struct link *l = write->data;
    if (status < 0 || l->closing) {
        link_close(l);
        return;
    }
    uv_shutdown(&l->shutdown, (uv_stream_t *)&l->client, NULL);
    uv_timer_start(&l->timer, on_late, LINGER_MS, 0);
    uv_read_start((uv_stream_t *)&l->client, give_piece, on_dropped);
}

static void answer(struct link *l, const char *status, str sentence)
{
    uv_read_stop((uv_stream_t *)&l->client);
    l->state = LINK_ANSWERED;
    buf_addf(&l->answer,
             "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%.*s\n",
             status, sentence.n + 1, STR_ARG(sentence));
    uv_buf_t text = uv_buf_init(l->answer.p, (unsigned)l->answer.n);
    l->write.data = l;
    if (uv_write(&l->write, (uv_stream_t *)&l->client, &text, 1, on_answered) < 0)
        link_close(l);
}

static void refuse(struct link *l, enum proxy_verdict verdict, const struct proxy_address *address)
{
    auto_buf text = BUF(SENTENCE_MAX);
    buf_add_c(&text, "network: ");
    proxy_add_refusal(&text, verdict, l->request.host, l->request.port, address);
    tell(l->proxy, buf_str(&text));
    answer(l, "403 Forbidden", buf_str(&text));
}

static void fail(struct link *l, const char *why)
{
    auto_buf text = BUF(SENTENCE_MAX);
    buf_addf(&text, "network: %s:%u was allowed, but not reached: %s", l->request.host,
             l->request.port, why);
    tell(l->proxy, buf_str(&text));
    answer(l, "502 Bad Gateway", buf_str(&text));
}

/* ---- carrying ---- */

static void pipe_read(struct pipe *d);

static void pipe_ended(uv_shutdown_t *shutdown, int status)
{
    struct link *l = shutdown->data;
    (void)status;
    if (l->up.ended && l->down.ended)
        link_close(l);
}

static void on_carried(uv_write_t *write, int status)
{
    struct pipe *d = write->data;
    if (status < 0)
        link_close(d->link);
    else if (!d->link->closing)
        pipe_read(d);
}

static void on_piece(uv_stream_t *from, ssize_t n, const uv_buf_t *piece)
{
    struct link *l = from->data;
    struct pipe *d = from == (uv_stream_t *)&l->client ? &l->up : &l->down;
    if (n == 0)
        return;
    uv_read_stop(from);
    if (n == UV_EOF) {
        d->ended = true;
        d->shutdown.data = l;
        if (uv_shutdown(&d->shutdown, d->to, pipe_ended) < 0)
            link_close(l);
        return;
    }
    uv_buf_t text = uv_buf_init(piece->base, n < 0 ? 0 : (unsigned)n);
    if (n < 0 || uv_write(&d->write, d->to, &text, 1, on_carried) < 0)
        link_close(l);
}

static void give_pipe(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct link *l = handle->data;
    (void)suggested;
    *ret = uv_buf_init(handle == (uv_handle_t *)&l->client ? l->up.piece : l->down.piece, PIECE);
}

static void pipe_read(struct pipe *d)
{
    if (uv_read_start(d->from, give_pipe, on_piece) < 0)
        link_close(d->link);
}

static void pipe_start(struct pipe *d, struct link *l, uv_tcp_t *from, uv_tcp_t *to, str first)
{
    d->link = l;
    d->from = (uv_stream_t *)from;
    d->to = (uv_stream_t *)to;
    d->write.data = d;
    uv_buf_t text = uv_buf_init((char *)first.p, (unsigned)first.n);
    if (!first.n)
        pipe_read(d);
    else if (uv_write(&d->write, d->to, &text, 1, on_carried) < 0)
        link_close(l);
}

static void carry(struct link *l)
{
    static const char connected[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    l->state = LINK_CARRYING;
    uv_timer_stop(&l->timer);
    uv_tcp_nodelay(&l->client, 1);
    uv_tcp_nodelay(&l->host, 1);
    buf_add(&l->head, l->in.p + l->request.used, l->in.n - l->request.used);
    pipe_start(&l->up, l, &l->client, &l->host, buf_str(&l->head));
    pipe_start(&l->down, l, &l->host, &l->client, l->request.tunnel ? str_of(connected) : (str){0});
}

/* ---- finding the host ---- */

static void connect_next(struct link *l);

static void on_host_closed(uv_handle_t *handle)
{
    struct link *l = handle->data;
    l->host_open = false;
    if (--l->open_handles == 0)
        link_free(l);
    else if (!l->closing && l->state == LINK_CONNECTING)
        connect_next(l);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *l = connect->data;
    if (l->closing || l->state != LINK_CONNECTING)
        return;
    if (status == 0)
        carry(l);
    else if (l->tried == l->address_count)
        fail(l, uv_strerror(status));
    else
        uv_close((uv_handle_t *)&l->host, on_host_closed);
}

static void connect_next(struct link *l)
{
    const struct proxy_address *a = &l->addresses[l->tried++];
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(l->request.port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(l->request.port)};
    bool is_v4 = memcmp(a->byte, mapped, sizeof mapped) == 0;
    memcpy(&v4.sin_addr, a->byte + 12, 4);
    memcpy(&v6.sin6_addr, a->byte, 16);
    l->state = LINK_CONNECTING;
    uv_tcp_init(l->proxy->loop, &l->host);
    l->host.data = l->connect.data = l;
    l->host_open = true;
    l->open_handles++;
    int e = uv_tcp_connect(&l->connect, &l->host,
                           is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, on_connected);
    if (e < 0)
        on_connected(&l->connect, e);
}

/* The addresses that may be reached; *ret_refused is the last of the others. */
static enum proxy_verdict take_addresses(struct link *l, const struct addrinfo *found,
                                         struct proxy_address *ret_refused)
{
    enum proxy_verdict last = PROXY_ALLOWED;
    for (; found && l->address_count < PROXY_ADDRESSES_MAX; found = found->ai_next) {
        struct proxy_address a = {.byte = {[10] = 0xff, 0xff}};
        if (found->ai_family == AF_INET)
            memcpy(a.byte + 12, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr, 4);
        else if (found->ai_family == AF_INET6)
            memcpy(a.byte, &((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr, 16);
        else
            continue;
        enum proxy_verdict v =
            proxy_judge_address(&l->proxy->rules, l->request.host, l->request.port, &a);
        if (v == PROXY_ALLOWED) {
            l->addresses[l->address_count++] = a;
        } else {
            last = v;
            *ret_refused = a;
        }
    }
    return last;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct link *l = lookup->link;
    struct proxy_address refused;
    free(lookup);
    if (l)
        l->lookup = NULL;
    if (l && !l->closing && l->state == LINK_FINDING) {
        enum proxy_verdict verdict = status ? PROXY_ALLOWED : take_addresses(l, found, &refused);
        if (l->address_count)
            connect_next(l);
        else if (verdict != PROXY_ALLOWED)
            refuse(l, verdict, &refused);
        else
            fail(l, status ? uv_strerror(status) : "it has no address");
    }
    uv_freeaddrinfo(found);
}

static void on_no_answer(uv_timer_t *timer)
{
    struct link *l = timer->data;
    if (l->state == LINK_FINDING || l->state == LINK_CONNECTING)
        fail(l, "no answer in time");
}

static void find_host(struct link *l)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    l->state = LINK_FINDING;
    uv_timer_start(&l->timer, on_no_answer, PROXY_WAIT_MS, 0);
    if (proxy_read_address(str_of(l->request.host), &l->addresses[0])) {
        l->address_count = 1; /* judged with the host already */
        connect_next(l);
        return;
    }
    l->lookup = mem_zalloc(sizeof *l->lookup);
    l->lookup->link = l;
    l->lookup->request.data = l->lookup;
    int e = uv_getaddrinfo(l->proxy->loop, &l->lookup->request, on_found, l->request.host, NULL,
                           &hints);
    if (e < 0) {
        free(l->lookup);
        l->lookup = NULL;
        fail(l, uv_strerror(e));
    }
}

/* ---- the client's request ---- */

static void on_head(uv_stream_t *client, ssize_t n, const uv_buf_t *piece)
{
    struct link *l = client->data;
    const char *problem;
    if (n < 0) {
        link_close(l);
        return;
    }
    buf_add(&l->in, piece->base, (size_t)n);
    switch (proxy_read_request(buf_str(&l->in), &l->request, &l->head, &problem)) {
    case PROXY_READ_MORE:
        return;
    case PROXY_READ_BAD:
        answer(l, "400 Bad Request", str_of(problem));
        return;
    case PROXY_READ_GOOD:
        break;
    }
    uv_read_stop(client);
    enum proxy_verdict verdict =
        proxy_judge_host(&l->proxy->rules, l->request.host, l->request.port);
    if (verdict == PROXY_ALLOWED) {
        proxy_rules_use(&l->proxy->rules, l->request.host, l->request.port);
        find_host(l);
    } else {
        refuse(l, verdict, NULL);
    }
}

static void on_client(uv_stream_t *listener, int status)
{
    struct proxy *p = listener->data;
    if (status < 0)
        return;
    struct link *l = mem_zalloc(sizeof *l);
    l->proxy = p;
    l->next = p->links;
    p->links = l;
    p->link_count++;
    l->in = BUF(PROXY_HEAD_MAX + PIECE);
    l->head = BUF(2 * PROXY_HEAD_MAX + PIECE);
    l->answer = BUF(2 * SENTENCE_MAX);
    l->open_handles = 2;
    uv_tcp_init(p->loop, &l->client);
    uv_timer_init(p->loop, &l->timer);
    l->client.data = l->timer.data = l;
    if (uv_accept(listener, (uv_stream_t *)&l->client) < 0 || p->link_count > PROXY_LINKS_MAX) {
        link_close(l);
    } else {
        uv_timer_start(&l->timer, on_late, PROXY_WAIT_MS, 0);
        uv_read_start((uv_stream_t *)&l->client, give_piece, on_head);
    }
}

/* ---- the proxy ---- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct proxy *p = handle->data;
    p->listener_closed = true;
    free_when_over(p);
}

bool proxy_new(struct proxy_options *options, struct proxy **ret_proxy, struct err *err)
{
    struct proxy *p = mem_zalloc(sizeof *p);
    *p = (struct proxy){.loop = options->loop,
                        .rules = options->rules,
                        .notice = options->notice,
                        .user = options->user};
    uv_tcp_init(p->loop, &p->listener);
    p->listener.data = p;
    int e = uv_tcp_open(&p->listener, options->listener);
    if (e == 0)
        e = uv_listen((uv_stream_t *)&p->listener, BACKLOG, on_client);
    else
        close(options->listener);
    if (e == 0) {
        *ret_proxy = p;
        return true;
    }
    err_set(err, "network_proxy", "the proxy of a step's network cannot listen: %s",
            uv_strerror(e));
    proxy_close(p, NULL);
    return false;
}

const struct proxy_rules *proxy_rules_of(const struct proxy *p)
{
    return &p->rules;
}

void proxy_close(struct proxy *p, void (*closed)(void *user))
{
    p->closing = true;
    p->closed = closed;
    for (struct link *l = p->links; l; l = l->next)
        link_close(l);
    uv_close((uv_handle_t *)&p->listener, on_listener_closed);
}
