'use strict';

require('./lib/suite').run('direct');
