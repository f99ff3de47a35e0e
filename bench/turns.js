'use strict';

// Servers that take turns, and what happens when one of them fails.

const OURS = 'sockjs-fcgi';

// Does that with a server. A peer that fails is started once more in its row: `begin` brings it to
// where it was. Who fails again, and ours at once, takes part no more. All of it is said.
async function attempt(contender, what, begin) {
	try {
		await what(contender);
	} catch (error) {
		console.error(`  ${contender.name} failed: ${error.message}\n${contender.log()}`.trimEnd());
		await contender.stop();
		if (contender.name.startsWith(OURS) || contender.isAgain) {
			contender.failed = true;
			process.exitCode = 1;
			return;
		}
		contender.isAgain = true;
		console.error(`  ${contender.name} starts again`);
		await attempt(contender, async () => {
			await begin?.(contender);
			await what(contender);
		});
	}
}

// Does that with one server after the other.
async function each(contenders, what, begin) {
	for (const contender of contenders.filter(({ failed }) => !failed))
		await attempt(contender, what, begin);
}

module.exports = { each };
