interface Policy {
	createScriptURL(url: string): string;
}

declare global {
	/** Trusted Types, where a browser has them. */
	var trustedTypes: { createPolicy(name: string, rules: Policy): Policy } | undefined;
}

const policy = globalThis.trustedTypes?.createPolicy('phr', { createScriptURL: (url) => url });

/** Starts a worker of a script of this page. Nothing else makes addresses of scripts out of text. */
export function startWorker(script: string): Worker {
	return new Worker(policy?.createScriptURL(script) ?? script, { type: 'module' });
}
