'use strict';

// A root folder of Debian without debootstrap: nothing but the essential packages and those that
// are asked for, copied with what they depend on from this machine, and its own dpkg.

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('./installation');

const query = (format, ...names) => run('dpkg-query', ['-W', `-f=${format}`, ...names]).split('\n').filter(Boolean);

// The names of all packages that these need, as far as they are installed here.
function closure(names) {
	const known = new Map();
	for (const line of query('${Package}\t${db:Status-Status}\t${Provides}\t${Pre-Depends},${Depends}\n')) {
		const [name, status, provides, depends] = line.split('\t');
		if (status !== 'installed') continue;
		const needed = depends.split(',').map((group) => group.split('|').map((word) => word.trim().split(/[ :(]/)[0]).filter(Boolean));
		known.set(name, { needed });
		for (const word of provides.split(',').map((text) => text.trim().split(' ')[0]).filter(Boolean))
			if (!known.has(word)) known.set(word, { alias: name });
	}
	const found = new Set();
	const add = (name) => {
		const entry = known.get(name);
		if (!entry) return;
		if (entry.alias) return add(entry.alias);
		if (found.has(name)) return;
		found.add(name);
		for (const group of entry.needed) add(group.find((word) => known.has(word)) || '');
	};
	names.forEach(add);
	return [...found];
}

// What dpkg itself knows of the packages, and nothing of others.
function copyDatabase(root, names) {
	const wanted = new Set(names);
	const database = '/var/lib/dpkg';
	const paragraphs = fs.readFileSync(`${database}/status`, 'utf8').split('\n\n');
	const kept = paragraphs.filter((text) => wanted.has(/^Package: (.*)$/m.exec(text)?.[1]));
	fs.mkdirSync(path.join(root, database, 'info'), { recursive: true });
	fs.mkdirSync(path.join(root, database, 'updates'), { recursive: true });
	fs.writeFileSync(path.join(root, database, 'status'), `${kept.join('\n\n')}\n\n`);
	fs.writeFileSync(path.join(root, database, 'available'), '');
	fs.writeFileSync(path.join(root, database, 'info/format'), '1\n');
	for (const file of fs.readdirSync(`${database}/info`))
		if (wanted.has(file.replace(/(:[^.]*)?\.[a-z0-9]+$/, '')) && /\.(list|md5sums|conffiles)$/.test(file))
			fs.copyFileSync(`${database}/info/${file}`, path.join(root, database, 'info', file));
}

// Makes the folder `root`. packages: beside the essential ones; whatever is not installed here is
// passed over.
function makeRoot(root, packages) {
	const essential = query('${Package}\t${Essential}\n').filter((line) => line.endsWith('\tyes')).map((line) => line.split('\t')[0]);
	const names = closure([...essential, ...packages]);
	const list = `${root}.files`;
	// Files that are gone (documentation, on small images) are no matter.
	const files = new Set(run('dpkg-query', ['-L', ...names]).split('\n').filter((name) => name.startsWith('/') && fs.lstatSync(name, { throwIfNoEntry: false })));
	// What else makes them work: merged folders are links here, and alternatives are nobody's
	// files.
	for (const name of ['/bin', '/sbin', '/lib', '/lib64', '/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow', '/etc/ld.so.cache',
		'/etc/nsswitch.conf', '/etc/ld.so.conf', '/etc/alternatives', '/usr/bin/awk', '/dev/null', '/dev/urandom',
		...fs.readdirSync('/etc/pam.d').map((name) => `/etc/pam.d/${name}`)])
		if (fs.existsSync(name)) files.add(name);
	// The link before what is below it.
	const merged = ['/bin', '/sbin', '/lib', '/lib64', '/lib32', '/libx32'].filter((name) => fs.lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink());
	const order = [...files].map((name) => {
		const link = merged.find((each) => name.startsWith(`${each}/`));
		return link ? `/usr${name}` : name;
	});
	fs.writeFileSync(list, [...new Set(order)].map((name) => `.${name === '/' ? '' : name}\n`).join(''));
	fs.mkdirSync(root);
	run('sh', ['-c', 'tar -C / --no-recursion -cf - -T "$0" | tar -C "$1" -xf -', list, root]);
	fs.rmSync(list);
	for (const name of ['tmp', 'run', 'var/lib', 'var/log', 'var/tmp', 'proc'])
		fs.mkdirSync(path.join(root, name), { recursive: true });
	copyDatabase(root, names);
}

// dpkg of the root folder.
const dpkg = (root, ...args) => run('chroot', [root, 'dpkg', '--force-unsafe-io', ...args],
	{ env: { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });

module.exports = { makeRoot, dpkg };
