import type { Passkey, VaultPerson } from '../messages';
import { t } from '../words/words.svelte';
import { fromBase64, toBase64 } from './bytes';
import { Refused } from './transport';

// What opens a vault is what the authenticator makes of a salt (WebAuthn's PRF extension): it never leaves it without the
// person's consent, and nothing of it is kept.

/** Tells whether passkeys may be offered here. Whether one can open a vault shows once it is made. */
export function passkeysKnown(): boolean {
	return 'PublicKeyCredential' in globalThis;
}

/** Makes a passkey for a vault. */
export async function createPasskey(gid: string, name: string): Promise<Passkey> {
	const salt = random();
	const made = await consent(
		navigator.credentials.create({
			publicKey: {
				rp: { name: t().shell.brand },
				user: { id: random(), name: name || gid, displayName: name || gid },
				challenge: random(),
				pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
				authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
				extensions: { prf: { eval: { first: salt } } },
			},
		}),
	);
	// Some authenticators give what a salt comes to only when the passkey is used.
	const secret = made.getClientExtensionResults().prf?.results?.first ?? (await use([{ credential: made.rawId, salt }])).secret;
	return { credential: toBase64(new Uint8Array(made.rawId)), salt: toBase64(salt), secret: bytesOf(secret), label: navigator.platform };
}

/** Uses one of the passkeys that open somebody's vault. */
export async function usePasskey(person: VaultPerson): Promise<Passkey> {
	const slots = person.slots.filter((slot) => slot.kind === 'passkey' && slot.credential && slot.salt);
	const { id, secret } = await use(slots.map((slot) => ({ credential: fromBase64(slot.credential ?? '').buffer, salt: fromBase64(slot.salt ?? '') })));
	const slot = slots.find(({ credential }) => credential === id);
	return { credential: id, salt: slot?.salt ?? '', secret: bytesOf(secret) };
}

async function use(known: readonly { credential: ArrayBuffer; salt: Uint8Array<ArrayBuffer> }[]): Promise<{ id: string; secret: BufferSource }> {
	const used = await consent(
		navigator.credentials.get({
			publicKey: {
				challenge: random(),
				userVerification: 'required',
				allowCredentials: known.map(({ credential }) => ({ type: 'public-key', id: credential })),
				extensions: { prf: { evalByCredential: Object.fromEntries(known.map(({ credential, salt }) => [urlSafe(credential), { first: salt }])) } },
			},
		}),
	);
	const secret = used.getClientExtensionResults().prf?.results?.first;
	if (!secret) throw new Refused({ code: 'passkey', message: t().passkey.cannot, safe: t().passkey.safe, todo: t().passkey.instead });
	return { id: toBase64(new Uint8Array(used.rawId)), secret };
}

/** Waits for the authenticator, and says in plain words when the person or the device said no. */
async function consent(asked: Promise<Credential | null>): Promise<PublicKeyCredential> {
	try {
		const given = await asked;
		if (given instanceof PublicKeyCredential) return given;
	} catch (thrown) {
		if (!(thrown instanceof DOMException)) throw thrown;
	}
	throw new Refused({ code: 'passkey', message: t().passkey.stopped, safe: t().passkey.safe, todo: t().passkey.retry });
}

function random(): Uint8Array<ArrayBuffer> {
	return crypto.getRandomValues(new Uint8Array(32));
}

function bytesOf(source: BufferSource): string {
	return toBase64(source instanceof ArrayBuffer ? new Uint8Array(source) : new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
}

function urlSafe(bytes: ArrayBuffer): string {
	return toBase64(new Uint8Array(bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
