'use strict';

// The conformance suite with three daemons that share one port.

require('./lib/suite').run('direct', { daemons: 3 });
