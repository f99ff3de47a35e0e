'use strict';

require('./lib/suite').run('htaccess');
