/*
 * The end of the process by a fault, as far as a module is to blame: one line on the standard
 * error, and in the file of the log if there is one, says which service's callback ran. Core dump
 * and exit status are as without it.
 */
#ifndef SESSIOND_CRASH_H
#define SESSIOND_CRASH_H

/*
 * Installs the handlers of such faults. A handler that is there already, such as a sanitizer's, is
 * called afterwards.
 */
void crash_report_modules(void);

#endif
