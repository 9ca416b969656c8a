/** A sample person of the demonstration, whom one click opens. */
export interface SamplePersonCard {
	id: string;
	name: string;
	/** patient, doctor, trainer, insurer, employer, auditor or authority. */
	role?: string;
}

/** What whoever serves this page says of it. */
export interface About {
	/** The node's address, with the key of its root. */
	node: string;
	version: string;
	/** The Go release that the program in the worker was built with. */
	go: string;
	/** The SHA-256 of every file of the page. */
	files: Record<string, string>;
	people?: SamplePersonCard[];
	/** An authority's own program answers calls, and no worker does. */
	console?: boolean;
}

let asked: Promise<About> | undefined;

/** Asks for it, once. */
export function about(): Promise<About> {
	asked ??= fetch('/about.json').then((response) => {
		if (!response.ok) throw new Error(`/about.json: ${response.status}`);
		return response.json() as Promise<About>;
	});
	asked.catch(() => (asked = undefined));
	return asked;
}
