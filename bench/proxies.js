'use strict';

// Web servers in front of a server under test, for those that have no configuration for one in
// examples/. Connections are kept, on both sides; not those to a responder of libfcgi, which would
// see nobody else until they close.

const fs = require('node:fs');
const path = require('node:path');
const { Daemon, temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { eventually } = require('../tests/e2e/lib/guard');
const { request } = require('../tests/e2e/lib/http');
const { freePort } = require('../tests/e2e/lib/stack');

const MODULES = '/usr/lib/apache2/modules';
const user = process.getuid() === 0 ? 'www-data' : process.env.USER;

const lighttpd = ({ server, port, directory }) => `server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${directory}"
server.errorlog = "${directory}/error.log"
server.max-fds = 16384
server.max-keep-alive-requests = 100000000
server.max-keep-alive-idle = 600
${
	server.socket
		? `server.modules = ("mod_fastcgi")
fastcgi.server = ("/" => (("socket" => "${server.socket}", "check-local" => "disable")))`
		: `server.modules = ("mod_proxy")
proxy.server = ("" => (("host" => "127.0.0.1", "port" => ${server.port})))`
}
`;

const nginx = ({ server, port, directory }) => `daemon off;
pid ${directory}/nginx.pid;
error_log stderr warn;
worker_processes auto;
events {
	worker_connections 4096;
}
http {
	access_log off;
	keepalive_requests 100000000;
	proxy_read_timeout 600;
	client_body_temp_path ${directory}/body;
	fastcgi_temp_path ${directory}/fastcgi;
	proxy_temp_path ${directory}/proxy;
	scgi_temp_path ${directory}/scgi;
	uwsgi_temp_path ${directory}/uwsgi;
	upstream server {
		server ${server.socket ? `unix:${server.socket}` : `127.0.0.1:${server.port}`};
${server.socket ? '' : '\t\tkeepalive 128;\n'}	}
	server {
		listen 127.0.0.1:${port};
		location / {
			${
				server.socket
					? 'fastcgi_pass server; fastcgi_param REQUEST_METHOD $request_method;'
					: 'proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection "";'
			}
		}
	}
}
`;

const proxied = (server) => `LoadModule proxy_module ${MODULES}/mod_proxy.so
LoadModule proxy_fcgi_module ${MODULES}/mod_proxy_fcgi.so
LoadModule proxy_http_module ${MODULES}/mod_proxy_http.so
ProxyTimeout 600
ProxyPass "/" ${
	server.socket
		? `"unix:${server.socket}|fcgi://localhost/"`
		: `"http://127.0.0.1:${server.port}/" enablereuse=on`
}`;

// As many processes as in examples/. `responder` is a copy that Apache's user may run.
const fcgid = (directory) => `LoadModule alias_module ${MODULES}/mod_alias.so
LoadModule fcgid_module ${MODULES}/mod_fcgid.so
FcgidIPCDir ${directory}/fcgid
FcgidProcessTableFile ${directory}/fcgid_shm
FcgidMaxProcesses 20
FcgidMaxProcessesPerClass 14
FcgidSpawnScoreUpLimit 20
AliasMatch "^(/.*)$" "${directory}/responder$1"
<Directory "${directory}">
	Require all granted
	Options +ExecCGI
	SetHandler fcgid-script
</Directory>`;

const apache = ({ server, port, directory }) => `ServerRoot ${directory}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${directory}/apache.pid
ErrorLog ${directory}/error.log
DefaultRuntimeDir ${directory}
User ${user}
Group ${user}
LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
MaxKeepAliveRequests 0
KeepAliveTimeout 600
ThreadsPerChild 64
ServerLimit 8
MaxRequestWorkers 512
<Location "/">
	Require all granted
</Location>
${server.program ? fcgid(directory) : proxied(server)}
`;

const debian = (program, name = program) => ({ program, debian: name });
const apacheProxy = {
	needs: [debian('apache2')],
	configure: apache,
	command: (file) => ['apache2', '-f', file, '-DFOREGROUND'],
};

const proxies = {
	lighttpd: {
		needs: [debian('lighttpd')],
		configure: lighttpd,
		command: (file) => ['lighttpd', '-D', '-f', file],
	},
	nginx: {
		needs: [debian('nginx', 'nginx-light')],
		configure: nginx,
		command: (file, directory) => [
			'nginx',
			'-e',
			'stderr',
			'-p',
			directory,
			'-c',
			file,
		],
	},
	'apache-proxy': apacheProxy,
	// What mod_fcgid passes on is FastCGI alone, of programs that it starts: others are behind
	// mod_proxy.
	'apache-fcgid': {
		...apacheProxy,
		needs: [
			...apacheProxy.needs,
			{ file: `${MODULES}/mod_fcgid.so`, debian: 'libapache2-mod-fcgid' },
		],
	},
};

// server: {port} of HTTP, {socket} of FastCGI, or the {program} of a responder. Resolves, when a request was answered, with a
// Daemon that has a port.
async function startProxy(kind, server) {
	const directory = temporaryDirectory();
	const port = await freePort();
	const file = path.join(directory, 'server.conf');
	fs.chmodSync(directory, 0o755);
	if (server.program) {
		fs.copyFileSync(server.program, path.join(directory, 'responder'));
		fs.mkdirSync(path.join(directory, 'fcgid'));
		fs.chmodSync(path.join(directory, 'fcgid'), 0o1777);
	}
	fs.writeFileSync(file, proxies[kind].configure({ server, port, directory }));
	const [program, ...args] = proxies[kind].command(file, directory);
	const daemon = new Daemon(program, args, {
		cwd: directory,
		env: { PATH: `${process.env.PATH}:/usr/sbin` },
	});
	Object.assign(daemon, { port, directory });
	await eventually(
		async () => {
			if (daemon.child.exitCode !== null)
				throw new Error(`${program} ended:\n${daemon.log()}`);
			return request(`http://127.0.0.1:${port}`, 'GET', '/echo', {
				timeout: 5000,
			}).then(
				({ status }) => status === 200,
				() => false,
			);
		},
		() => `${program} serves\n${daemon.log()}`,
		20000,
	);
	return daemon;
}

module.exports = { proxies, startProxy };
