import type { Download } from '../messages';

/** Bytes cross to the worker as base64. */
export function toBase64(bytes: Uint8Array): string {
	let text = '';
	for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
	return btoa(text);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** Reads a file that the person chose. */
export async function readFile(file: File): Promise<string> {
	return toBase64(new Uint8Array(await file.arrayBuffer()));
}

/** Gives the person a file to keep. */
export function save({ name, media, bytes }: Download): void {
	const url = URL.createObjectURL(new Blob([fromBase64(bytes)], { type: media }));
	const link = document.createElement('a');
	link.href = url;
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
