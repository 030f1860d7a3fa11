/* deltactl: what an official, an administrator and an auditor use to talk to their own node. */
#include "client/command.h"

int main(int argc, char **argv)
{
	return app_main(argc, argv);
}
