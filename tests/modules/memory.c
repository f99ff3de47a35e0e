/*
 * memory: answers each message with how many bytes the daemon has allocated, so that tests/soak
 * sees what is left behind. Unlike the process's size, this does not depend on how the heap lies.
 * SQLite's cache is not counted: it grows with the database, up to a limit of its own.
 */
#include <sockjs.h>

#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	struct mallinfo2 info = mallinfo2();
	char text[32];

	(void)message;
	snprintf(text, sizeof text, "%lld",
	    (long long)(info.uordblks + info.hblkhd) - (long long)sqlite3_memory_used());
	sockjs_write(connection, text, strlen(text));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "memory",
    .data = on_data,
};
