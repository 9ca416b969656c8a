/** A derivation of a passphrase, as one worker gives it to another. */
export interface Task {
	passphrase: Uint8Array;
	salt: Uint8Array;
	time: number;
	memory: number;
	threads: number;
}

/** What a worker is told to derive instead of everything else, with the program that it would else have to load. */
export interface Errand {
	task: Task;
	module: WebAssembly.Module;
}

/** What the program in the worker and the script that starts it share. Texts are JSON. */
export interface Host {
	about: string;
	socket: string;
	task?: Task;

	// Of the script.
	post(text: string): void;
	tell(note: string): void;
	ready(): void;
	fail(message: string): void;
	panicked(): void;
	done(key: Uint8Array): void;
	derive(task: Task): Promise<Uint8Array>;
	sample(id: string): Promise<string>;

	// Of the program, once it is ready.
	ask?(call: string): void;
	told?(note: string): void;
}

/** What comes out of the worker, as JSON: an answer, an event, or that it has come to an end. */
export interface Said {
	id?: number;
	result?: unknown;
	error?: { code: string; message: string; safe?: string; todo?: string };
	event?: string;
	data?: unknown;
	ended?: { panic: boolean; message: string };
}

interface Program {
	importObject: WebAssembly.Imports;
	run(instance: WebAssembly.Instance): Promise<void>;
}

declare global {
	var phr: Host | undefined;
	var Go: new () => Program;
	var fs: { writeSync(file: number, bytes: Uint8Array): number };
}

/** Runs the program until it ends. */
export async function run(module: WebAssembly.Module, host: Host): Promise<void> {
	const support = '/wasm_exec.js';
	await import(/* @vite-ignore */ support);
	globalThis.fs.writeSync = (_, bytes) => bytes.length; // what a panic prints may hold what is nobody's business
	globalThis.phr = host;
	const program = new Go();
	await program.run(await WebAssembly.instantiate(module, program.importObject));
}
