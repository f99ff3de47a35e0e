'use strict';

// The suite itself is checked: it must agree with the reference, but for the differences that are
// listed.
require('./lib/suite').run('reference');
