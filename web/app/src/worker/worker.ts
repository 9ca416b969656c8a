// What runs in the worker before the program does: it loads that, and does for it what JavaScript does best.

import { run, type Errand, type Host, type Said, type Task } from './host';
import { startWorker } from './trusted';

const waiting: string[] = [];
const tabs = new BroadcastChannel('phr');
let module: WebAssembly.Module;
let ended = false;

const host: Host = {
	about: '',
	socket: `${location.origin.replace(/^http/, 'ws')}/nats`,
	post: (text) => self.postMessage(text),
	tell: (note) => tabs.postMessage(note),
	ready() {
		tabs.onmessage = ({ data }) => host.told?.(String(data));
		for (const call of waiting.splice(0)) host.ask?.(call);
	},
	fail: (message) => end({ panic: false, message }),
	panicked: () => end({ panic: true, message: '' }),
	done: (key) => self.postMessage(key),
	derive,
	sample,
};

self.onmessage = ({ data }: MessageEvent<string | Errand>) => {
	if (typeof data !== 'string') void run(data.module, { ...host, task: data.task }).catch(failed);
	else if (host.ask) host.ask(data);
	else if (waiting.push(data) === 1) void start().catch(failed);
};

async function start(): Promise<void> {
	const [about, program] = await Promise.all([get('/about.json').then((response) => response.text()), WebAssembly.compileStreaming(get('/phr.wasm'))]);
	host.about = about;
	module = program;
	await run(program, host);
	host.panicked(); // it ends in no other way
}

function failed(thrown: unknown): void {
	host.fail(thrown instanceof Error ? thrown.message : String(thrown));
}

function end(how: NonNullable<Said['ended']>): void {
	if (!ended) self.postMessage(JSON.stringify({ ended: how } satisfies Said));
	ended = true;
}

/** Has another worker derive a key, and ends it: the memory that this takes is given back only then. */
function derive(task: Task): Promise<Uint8Array> {
	const other = startWorker(location.href);
	return new Promise<Uint8Array>((resolve, reject) => {
		other.onmessage = ({ data }: MessageEvent<Uint8Array | string>) => {
			if (typeof data === 'string') reject(new Error((JSON.parse(data) as Said).ended?.message));
			else resolve(data);
		};
		other.onerror = () => reject(new Error('the passphrase could not be worked on: there may be too little memory'));
		other.postMessage({ task, module } satisfies Errand);
	}).finally(() => other.terminate());
}

async function sample(id: string): Promise<string> {
	return (await get(`/demo/people/${encodeURIComponent(id)}`, 'POST')).text();
}

async function get(path: string, method = 'GET'): Promise<Response> {
	const response = await fetch(path, { method });
	if (!response.ok) throw new Error(`${path}: ${response.status}`);
	return response;
}
