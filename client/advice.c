#include "client/advice.h"

#include <stddef.h>

#include "client/text.h"

static const struct {
	int rc;
	const char *text;
} advice[] = {
	{RC_INTERNAL, N_("keep the message and tell the maintainers")},
	{RC_NOMEM, N_("end other programs and try again")},
	{RC_IO, N_("look at the disk, the path and its rights")},
	{RC_DISK_FULL, N_("make room on the node's disk; it takes writes again by itself")},
	{RC_CORRUPT, N_("leave the files alone and rebuild the node from its peers")},
	{RC_BUSY, N_("another process has it; wait or end that one")},
	{RC_SETUP, N_("correct the set-up that the message names")},
	{RC_TOO_NEW, N_("install the newer version")},
	{RC_DEGRADED, N_("deltactl status says why; writing works again when it is mended")},
	{RC_NO_ROSTER, N_("install the roster: deltactl roster install FILE")},
	{RC_INPUT, N_("correct the input that the message names")},
	{RC_USAGE, N_("deltactl help COMMAND shows how it is written")},
	{RC_CONFIG, N_("correct the line that the message names; deltad --check tries it")},
	{RC_TOO_BIG, N_("make it smaller or split it")},
	{RC_KEYFILE, N_("name another key file, correct its rights, or its passphrase")},
	{RC_ROSTER, N_("correct the roster at the line that the message names")},
	{RC_NOTE, N_("the file is no signed note, or was changed; get it again")},
	{RC_PLAN_FILE, N_("correct the plan file at the line that the message names")},
	{RC_BUNDLE, N_("have the bundle made and carried again; nothing of it was taken")},
	{RC_UNREACHABLE, N_("start deltad, or name its socket with --node or DELTACTL_NODE")},
	{RC_DENIED, N_("use a user or a key that has the right")},
	{RC_NOT_OPERATOR, N_("have the key added: deltactl operator add")},
	{RC_OUT_OF_SCOPE, N_("deltactl operator list shows which tasks the key may write")},
	{RC_NOT_FOUND, N_("look up how it is named; deltactl help lists what shows it")},
	{RC_REFUSED, N_("change what the message names")},
	{RC_REFUSED_VALUE, N_("correct the field that the message names")},
	{RC_REFUSED_WRITER, N_("let the member write it that may")},
	{RC_REFUSED_REPEAT, N_("the first one stands; look with deltactl why")},
	{RC_REFUSED_STALE, N_("read the register again and decide again")},
	{RC_REFUSED_FALL, N_("say why with --reason")},
	{RC_REFUSED_WITHDRAWN, N_("nothing is to be reported on a withdrawn task")},
	{RC_REFUSED_GAP, N_("ask for a bundle made with --since a receipt of this node, or --all")},
	{RC_VERIFY, N_("do not trust what was shown; tell the administrator")},
	{RC_DIVERGED, N_("deltactl peers names the task; tell the administrators of both nodes")},
	{RC_FORK, N_("deltactl status names the log; its owner must explain it")},
	{RC_TIMEOUT, N_("deltactl missing says what is not here yet")},
	{RC_PARTLY, N_("the message says what was not done and what to do about it")},
	{RC_UNKNOWN_OUTCOME, N_("run the same command again: it posts the same change once")},
	{RC_PEER_FRAME, N_("the peer or the line is faulty; its administrator should look")},
	{RC_PEER_MESSAGE, N_("the other side is faulty or of another version")},
	{RC_PEER_STATE, N_("the other side is faulty or of another version")},
	{RC_PEER_HANDSHAKE, N_("check both sides' keys and addresses against the roster")},
	{RC_PEER_KEY, N_("the peer's key is not the roster's; check which node it is")},
	{RC_PEER_CLUSTER, N_("check the peer's address, or where the file comes from")},
	{RC_PEER_VERSION, N_("bring the older node to a newer version")},
	{RC_PEER_HEAD, N_("what came is damaged or forged; its maker's administrator should look")},
	{RC_PEER_BATCH,
		N_("what came is damaged or forged; its maker's administrator should look")},
	{RC_PEER_ORIGIN, N_("compare the rosters of both sides")},
	{RC_PEER_LIMIT, N_("a peer that asks too much is served again later")},
	{RC_PEER_EVIDENCE,
		N_("an accusation without a proof is not believed; its maker's administrator "
		   "should "
		   "look")},
};

const char *advice_for(int rc)
{
	for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++)
		if (advice[i].rc == rc)
			return tr_word(advice[i].text);
	return "";
}
