/* deltad: reads the configuration, opens what a node needs, and runs the loop. No logic of its own.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/manifest.h"
#include "daemon/net/loop.h"
#include "daemon/restore.h"
#include "daemon/seal.h"
#include "daemon/store/store_sqlite.h"
#include "proto/base/text.h"

#define DEFAULT_CONFIG "/etc/deltad/deltad.conf"
#define SOFTWARE "deltad " DELTAD_VERSION

enum {
	EX_OK = 0,
	EX_USAGE = 64,
	EX_OS = 71,
	EX_IO = 74,
	EX_RUNNING = 75,
	EX_NOPERM = 77,
	EX_CONFIG = 78
};

static const char usage[] =
	"usage: deltad [-c FILE] [--check | --restore FILE | --seal-backup FILE]\n"
	"       deltad --verify-backup FILE [--cluster-id HEX]\n"
	"       deltad --version | --help\n"
	"\n"
	"Runs the node of one office.\n"
	"\n"
	"  -c FILE     configuration (default " DEFAULT_CONFIG ")\n"
	"  --check     reads the configuration and the keys (but for the service manager's\n"
	"              credentials), says \"ok\" or what is wrong, and ends\n"
	"  --verify-backup FILE   checks every signature in a backup, and its manifest if it has\n"
	"              one; needs no configuration\n"
	"  --seal-backup FILE     the same, for this node; then writes FILE.manifest, signed\n"
	"  --restore FILE         builds this node's database anew from a backup; the node must\n"
	"              not run\n"
	"  --version   prints the version\n"
	"  --help      prints this\n"
	"\n"
	"SIGTERM stops, SIGHUP reads peers, limits and log level anew.\n"
	"Exit status: 0 stopped, 64 usage, 71 operating system, 74 input or output, 75 already\n"
	"running, 77 not permitted, 78 configuration. With backups: as deltactl.\n";

struct options {
	const char *config, *verify, *seal, *restore, *cluster_id;
	const char *credentials; /* the folder of the service manager's */
	bool check, version, help;
};

/* Everything that is open while the daemon runs; all zero = nothing. */
struct node {
	const struct options *options;
	struct config config;
	struct key log, cosign, noise;
	struct key log_next, cosign_next, noise_next; /* no secret: there is none */
	struct store *store;
	char database[SETTINGS_PATH_SIZE + 16];
	struct mark_file *mark_file;
	struct mark mark;
	struct replica *replica;
	struct notify notify;
};

static bool takes_file(struct options *o, int argc, char **argv, int i)
{
	const struct {
		const char *name, **value;
	} all[] = {{"-c", &o->config}, {"--verify-backup", &o->verify}, {"--seal-backup", &o->seal},
		{"--restore", &o->restore}, {"--cluster-id", &o->cluster_id}};
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		if (strcmp(argv[i], all[k].name) == 0 && i + 1 < argc && !*all[k].value) {
			*all[k].value = argv[i + 1];
			return true;
		}
	return false;
}

static int parse_options(int argc, char **argv, struct options *o, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		if (takes_file(o, argc, argv, i))
			i++;
		else if (strcmp(argv[i], "--check") == 0)
			o->check = true;
		else if (strcmp(argv[i], "--version") == 0)
			o->version = true;
		else if (strcmp(argv[i], "--help") == 0)
			o->help = true;
		else
			return err_set(e, RC_USAGE,
				"\"%.60s\" is not understood here; deltad --help says what is",
				argv[i]);
	}
	if (!o->config)
		o->config = DEFAULT_CONFIG;
	o->credentials = getenv("CREDENTIALS_DIRECTORY");
	if (!o->credentials && (o->restore || o->check))
		o->credentials = "/nonexistent";
	return RC_OK;
}

/* A code that is not here is wrong set-up. */
static int exit_code_of(int rc)
{
	static const struct {
		int rc, code;
	} codes[] = {{RC_USAGE, EX_USAGE}, {RC_BUSY, EX_RUNNING}, {RC_DENIED, EX_NOPERM},
		{RC_NOMEM, EX_OS}, {RC_IO, EX_IO}, {RC_DISK_FULL, EX_IO},
		{RC_UNKNOWN_OUTCOME, EX_IO}, {RC_CORRUPT, EX_IO}};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].rc == rc)
			return codes[i].code;
	return EX_CONFIG;
}

static bool to_journal;

/* The journal shows an error as one; whoever reads a pipe expects the line alone. */
static int complain(int code, const struct err *e)
{
	if (to_journal)
		log_error("event=failed exit=%d why=\"%s %s\"", code, rc_id(e->rc), e->text);
	else
		fprintf(stderr, "deltad: %s: %s\n", rc_id(e->rc), e->text);
	return code;
}

static int load_key(struct key *k, const char *path, enum key_purpose purpose,
	const struct config *c, struct err *e)
{
	int rc = key_load(k, path, purpose, NULL, NULL, e);
	if (rc)
		return rc;
	if (strcmp(k->member, c->net.member) != 0)
		return err_set(e, RC_KEYFILE, "%.150s: the key is of %s, this node is %s", path,
			k->member, c->net.member);
	return RC_OK;
}

/* PROTOCOL 5.3: the key that a later version of the roster brings in lies beside the one of today
 * until it is the one. */
static int load_next(struct key *k, const char *path, enum key_purpose purpose,
	const struct config *c, struct err *e)
{
	char next[SETTINGS_PATH_SIZE + 8];
	snprintf(next, sizeof(next), "%s.next", path);
	if (access(next, F_OK) != 0)
		return RC_OK;
	return load_key(k, next, purpose, c, e);
}

static int load_keys(struct node *n, struct err *e)
{
	const struct config *c = &n->config;
	int rc = load_key(&n->log, c->key_log, KEY_LOG, c, e);
	if (!rc)
		rc = load_key(&n->cosign, c->key_cosign, KEY_COSIGN, c, e);
	if (!rc)
		rc = load_key(&n->noise, c->key_noise, KEY_NOISE, c, e);
	if (!rc)
		rc = load_next(&n->log_next, c->key_log, KEY_LOG, c, e);
	if (!rc)
		rc = load_next(&n->cosign_next, c->key_cosign, KEY_COSIGN, c, e);
	if (!rc)
		rc = load_next(&n->noise_next, c->key_noise, KEY_NOISE, c, e);
	return rc;
}

static int check_data_dir(const char *dir, struct err *e)
{
	struct stat st;
	if (stat(dir, &st) != 0)
		return err_set(
			e, RC_SETUP, "data_dir = \"%.150s\": %s; create it", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, RC_SETUP, "data_dir = \"%.150s\" is no folder", dir);
	if (access(dir, R_OK | W_OK | X_OK) != 0)
		return err_set(e, RC_DENIED, "data_dir = \"%.150s\": %s; give it to this user", dir,
			strerror(errno));
	return RC_OK;
}

static int open_store(struct node *n, struct err *e)
{
	int rc = check_data_dir(n->config.net.data_dir, e);
	snprintf(n->database, sizeof(n->database), "%s/replica.db", n->config.net.data_dir);
	if (!rc)
		rc = seal_break(n->database, e);
	return rc ? rc : store_sqlite_open(n->database, NULL, &n->store, e);
}

static void fill_from_system(void *self, void *p, uint32_t n)
{
	(void)self;
	for (uint32_t done = 0; done < n;) {
		ssize_t got = getrandom((uint8_t *)p + done, n - done, 0);
		ENSURE(got > 0 || errno == EINTR);
		if (got > 0)
			done += (uint32_t)got;
	}
}

static const struct chance system_chance = {fill_from_system, NULL};

static int open_replica(struct node *n, struct err *e)
{
	struct replica_config c = {.store = n->store,
		.chance = system_chance,
		.log_key = &n->log,
		.cosign_key = &n->cosign,
		.log_key_next = n->log_next.secret ? &n->log_next : NULL,
		.cosign_key_next = n->cosign_next.secret ? &n->cosign_next : NULL,
		.member = n->config.net.member,
		.cluster_id = n->config.net.cluster_id,
		.software = SOFTWARE,
		.mark = n->mark};
	return replica_open(&c, loop_now(), &n->replica, e);
}

static int open_node(struct node *n, struct err *e)
{
	int rc = load_keys(n, e);
	if (!rc)
		rc = notify_init(&n->notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"),
			getenv("WATCHDOG_PID"), e);
	if (!rc)
		rc = open_store(n, e);
	if (!rc)
		rc = mark_file_open(
			n->config.mark_file, n->config.net.member, &n->mark_file, &n->mark, e);
	if (!rc)
		rc = open_replica(n, e);
	return rc;
}

static void close_node(struct node *n)
{
	if (n->replica)
		replica_close(n->replica);
	if (n->store) {
		store_sqlite_close(n->store);
		seal_write(n->database);
	}
	mark_file_close(n->mark_file);
	notify_release(&n->notify);
	key_release(&n->log);
	key_release(&n->cosign);
	key_release(&n->noise);
	key_release(&n->log_next);
	key_release(&n->cosign_next);
	key_release(&n->noise_next);
}

static uint64_t wal_bytes(void *arg)
{
	return store_sqlite_wal_bytes(((struct node *)arg)->store);
}

static void checkpoint(void *arg)
{
	store_sqlite_checkpoint(((struct node *)arg)->store);
}

static int back_up(void *arg, const char *path, struct err *e)
{
	return store_sqlite_backup(((struct node *)arg)->store, path, e);
}

static int reload(void *arg, struct net_settings *out, struct err *e)
{
	struct node *n = arg;
	struct config fresh;
	struct buf needs = {0};
	int rc = config_load(n->options->config, n->options->credentials, &fresh, e);
	if (rc)
		return rc;
	config_restart_needs(&n->config, &fresh, &needs);
	if (needs.n > 0)
		log_warn("event=restart-needed for=\"%.*s\"", (int)needs.n, (const char *)needs.p);
	buf_release(&needs);
	log_set_level(fresh.log_level);
	*out = fresh.net;
	return RC_OK;
}

static int run_loop(struct node *n, struct err *e)
{
	struct loop_config c = {.settings = &n->config.net,
		.replica = n->replica,
		.noise_key = &n->noise,
		.noise_key_next = n->noise_next.secret ? &n->noise_next : NULL,
		.mark = n->mark_file,
		.notify = &n->notify,
		.chance = system_chance,
		.software = SOFTWARE,
		.wal_bytes = wal_bytes,
		.checkpoint = checkpoint,
		.backup = back_up,
		.verifier = {"/proc/self/exe", "-c", n->options->config, "--seal-backup"},
		.reload = reload,
		.arg = n};
	return loop_run(&c, e);
}

static int run(struct node *n)
{
	struct err e = {0};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	umask(077);
	sigaction(SIGPIPE, &ignore, NULL);
	log_set_level(n->config.log_level);
	int rc = open_node(n, &e);
	int code = rc ? complain(exit_code_of(rc), &e) : run_loop(n, &e);
	if (!rc && e.rc)
		complain(code, &e);
	/* After a failure the store is left as it stands: a checkpoint could make it worse. */
	if (!rc && code != EX_OK && !e.rc)
		_exit(code);
	close_node(n);
	return code;
}

/* The service manager shows credentials to the service, and neither to an administrator who checks
 * a file nor to the commands of a reload. */
static bool is_shown(const struct options *o, const char *key)
{
	size_t n = o->credentials ? strlen(o->credentials) : 0;
	return n == 0 || strncmp(key, o->credentials, n) != 0 || access(o->credentials, X_OK) == 0;
}

static int check(struct node *n)
{
	struct err e = {0};
	const struct config *c = &n->config;
	bool shown = is_shown(n->options, c->key_log) && is_shown(n->options, c->key_cosign) &&
		is_shown(n->options, c->key_noise);
	int rc = shown ? load_keys(n, &e) : RC_OK;
	close_node(n);
	if (rc)
		return complain(exit_code_of(rc), &e);
	puts(shown ? "ok" : "ok; the keys are shown to the service alone");
	return fflush(stdout) == 0 ? EX_OK : EX_IO;
}

/* ---- backups ---- */

static int complain_as_client(const struct err *e)
{
	return complain(rc_exit(e->rc), e);
}

static int print_text(struct buf *text)
{
	fwrite(text->p, 1, text->n, stdout);
	buf_release(text);
	return fflush(stdout) == 0 ? EX_OK : EX_IO;
}

static int verify(const struct options *o)
{
	struct err e = {0};
	struct buf text = {0};
	struct hash id;
	bool sealed = false;
	if (o->cluster_id && !hex_decode(bytes_str(o->cluster_id), id.b, HASH_BYTES)) {
		err_set(&e, RC_USAGE, "--cluster-id has 64 hexadecimal digits");
		return complain_as_client(&e);
	}
	if (recover_verify(o->verify, o->cluster_id ? &id : NULL, NULL, &text, &sealed, NULL, &e)) {
		buf_release(&text);
		return complain_as_client(&e);
	}
	buf_printf(&text, "ok%s\n", sealed ? ", as its manifest says" : ", without a manifest");
	return print_text(&text);
}

static int seal(struct node *n)
{
	struct err e = {0};
	struct buf text = {0};
	bool sealed = false;
	uint8_t signer[KEY_BYTES] = {0};
	const struct config *c = &n->config;
	const char *file = n->options->seal;
	umask(077);
	int rc = load_key(&n->log, c->key_log, KEY_LOG, c, &e);
	if (!rc)
		rc = load_next(&n->log_next, c->key_log, KEY_LOG, c, &e);
	if (!rc)
		rc = recover_verify(
			file, &c->net.cluster_id, c->net.member, &text, &sealed, signer, &e);
	bool next = n->log_next.secret && memcmp(n->log_next.public, signer, KEY_BYTES) == 0;
	if (!rc && !sealed)
		rc = manifest_write(file, buf_bytes(&text), next ? &n->log_next : &n->log, &e);
	buf_release(&text);
	close_node(n);
	return rc ? complain_as_client(&e) : EX_OK;
}

static int restore(struct node *n)
{
	struct err e = {0};
	struct restored done;
	umask(077);
	int rc = check_data_dir(n->config.net.data_dir, &e);
	if (!rc)
		rc = restore_run(n->options->restore, &n->config, &done, &e);
	if (rc)
		return complain_as_client(&e);
	printf("restored %llu\nmanifest %s\n", (unsigned long long)done.entries,
		done.sealed ? "good" : "none");
	if (done.aside[0])
		printf("aside %s\n", done.aside);
	return fflush(stdout) == 0 ? EX_OK : EX_IO;
}

static int print(const char *text)
{
	fputs(text, stdout);
	return fflush(stdout) == 0 ? EX_OK : EX_IO;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct err e = {0};
	to_journal = log_open_journal(getenv("JOURNAL_STREAM"), LOG_JOURNAL_SOCKET);
	if (parse_options(argc, argv, &o, &e))
		return complain(EX_USAGE, &e);
	if (o.help)
		return print(usage);
	if (o.version)
		return print(SOFTWARE "\n");
	struct node n = {.options = &o, .notify = {.fd = -1}};
	int rc = trust_init(&e);
	if (!rc && o.verify)
		return verify(&o);
	if (!rc)
		rc = config_load(o.config, o.credentials, &n.config, &e);
	if (rc)
		return complain(exit_code_of(rc), &e);
	if (o.seal)
		return seal(&n);
	if (o.restore)
		return restore(&n);
	return o.check ? check(&n) : run(&n);
}
