/*
 * For tests that read a whole sockjs.conf: a folder for it, as the setup and the teardown of a
 * group.
 */
#ifndef TESTS_CONF_FOLDER_H
#define TESTS_CONF_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/test_conf.XXXXXX";
static char path[64]; /* of the file, which is not there yet */

static inline int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/sockjs.conf", folder);
	return 0;
}

static inline int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

#endif
