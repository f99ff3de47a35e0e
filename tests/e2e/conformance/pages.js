'use strict';

// Section 7: the iframe page. (The htmlfile page is in frames.js.)

const assert = require('node:assert/strict');

const DEFAULT_SCRIPT = 'https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js';

const page = (script) => `<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="${script}"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>`;

const get = (c, path, headers) => c.request('GET', path, { headers });

function content({ test }) {
	test('s7: the iframe page, byte for byte', async (c) => {
		const answer = await get(c, '/echo/iframe.html');
		assert.equal(answer.status, 200);
		assert.equal(answer.text, page(DEFAULT_SCRIPT));
	});

	test('s7: every name and query gives the same page', async (c) => {
		for (const path of [
			'/echo/iframe-1.2.3.html',
			'/echo/iframe-x.html?t=1',
			'/close/iframe.html',
		])
			assert.equal((await get(c, path)).text, page(DEFAULT_SCRIPT));
	});

	test('s7: the script URL of the page is escaped for HTML', async (c) => {
		const { text } = await get(c, '/sockjs_url/iframe.html');
		const source = /<script src="([^"]*)"><\/script>/.exec(text);
		assert.ok(source, text);
		const url = source[1]
			.replace(/&(quot|#34|#x22);/gi, '"')
			.replace(/&(lt|#60|#x3c);/gi, '<')
			.replace(/&(gt|#62|#x3e);/gi, '>')
			.replace(/&(amp|#38|#x26);/gi, '&');
		assert.equal(url, '/static/"sockjs"&<min>.js?a=1&b=2');
		assert.doesNotMatch(source[1], /[<>]|&(?!(quot|lt|gt|amp|#[0-9]+|#x[0-9a-f]+);)/i);
		assert.equal(text, page(source[1]));
	});

	test('s7: with disable_cors the iframe page is 404', async (c) => {
		for (const name of ['iframe.html', 'iframe-1.html?t=1'])
			assert.equal((await get(c, `/no_cors/${name}`)).status, 404);
	});
}

function etag({ test }) {
	test('s7: the iframe page has a quoted ETag, the same each time', async (c) => {
		const first = (await get(c, '/echo/iframe.html')).header('ETag');
		assert.match(first, /^"[\x21\x23-\x7e]+"$/);
		assert.equal((await get(c, '/echo/iframe-2.html?x')).header('ETag'), first);
		assert.equal((await get(c, '/close/iframe.html')).header('ETag'), first);
	});

	test('s7: the ETag is over the content', async (c) => {
		const one = (await get(c, '/echo/iframe.html')).header('ETag');
		const other = (await get(c, '/sockjs_url/iframe.html')).header('ETag');
		assert.notEqual(one, other);
	});

	test('s7: If-None-Match with the ETag is 304 without body and Content-Type', async (c) => {
		const tag = (await get(c, '/echo/iframe.html')).header('ETag');
		const connection = await c.connect();
		const answer = await connection.request('GET', '/echo/iframe.html', {
			headers: { 'If-None-Match': tag },
		});
		assert.equal(answer.status, 304);
		assert.equal(answer.header('Content-Type'), undefined);
		assert.equal(answer.header('Cache-Control'), 'public, max-age=31536000');
		assert.ok(answer.header('Expires'));
		assert.equal(
			(await connection.request('GET', '/echo')).text,
			'Welcome to SockJS!\n',
			'a body came behind the 304',
		);
	});

	test('s7: a 304 repeats the ETag', async (c) => {
		const tag = (await get(c, '/echo/iframe.html')).header('ETag');
		const answer = await get(c, '/echo/iframe.html', { 'If-None-Match': tag });
		assert.equal(answer.status, 304);
		assert.equal(answer.header('ETag'), tag);
	});

	test('s7: If-None-Match with anything else is 200 with the page', async (c) => {
		const tag = (await get(c, '/echo/iframe.html')).header('ETag');
		for (const other of ['"x"', tag.replace(/"/g, ''), `${tag.slice(0, -2)}"`, '']) {
			const answer = await get(c, '/echo/iframe.html', { 'If-None-Match': other });
			assert.equal(answer.status, 200, other);
			assert.equal(answer.text, page(DEFAULT_SCRIPT));
		}
	});
}

exports.register = (target) => {
	content(target);
	etag(target);
};
