import type { Component } from 'svelte';

/** The names of the parts of a path that begin with a colon: 'id' in '/record/:id'. */
type Names<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
	? Name | Names<`/${Rest}`>
	: Path extends `${string}:${infer Name}`
		? Name
		: never;

/** What a screen is given from its path. */
export type Params<Path extends string> = { [Name in Names<Path>]: string };

/** A screen and where it is found. Its code is loaded when it is first gone to. */
export interface Place<Path extends string = string> {
	path: Path;
	load: () => Promise<{ default: Component<Params<Path>> }>;
}

export function place<const Path extends string>(path: Path, load: Place<Path>['load']): Place<Path> {
	return { path, load };
}

/** Returns the address of a place, for links. */
export function href<Path extends string>(to: Place<Path>, ...[params]: Names<Path> extends never ? [] : [Params<Path>]): string {
	const values: Record<string, string> = params ?? {};
	return '#' + to.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}

export function go(address: string): void {
	location.hash = address;
}

/** Goes on to an address when something is done that was begun at another, unless the person has gone elsewhere meanwhile. */
export function goOn(from: string, address: string): void {
	if (location.hash === from) go(address); // which is ahead of here(), until the browser tells of a change
}

let hash = $state(location.hash);
addEventListener('hashchange', () => (hash = location.hash));

/** Where the person is now, as '/record/abc'. */
export function here(): string {
	return hash.replace(/^#/, '').split('?')[0] || '/';
}

/** What is asked of the screen itself, after a question mark: '/timeline?q=hba1c'. */
export function query(): URLSearchParams {
	return new URLSearchParams(hash.split('?')[1] ?? '');
}

/** Reads a path as one of a place, or returns undefined. */
export function match(path: string, pattern: string): Record<string, string> | undefined {
	const wanted = pattern.split('/');
	const found = path.split('/');
	if (wanted.length !== found.length) return undefined;
	const params: Record<string, string> = {};
	for (const [i, part] of wanted.entries()) {
		const got = found[i] ?? '';
		if (part.startsWith(':')) params[part.slice(1)] = decode(got);
		else if (part !== got) return undefined;
	}
	return params;
}

function decode(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part;
	}
}
