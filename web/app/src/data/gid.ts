const pseudonym = /^[a-z2-7]{32}$/;

/** Reads somebody's pseudonym out of what was pasted or scanned: it stands alone, or at the end of an address. */
export function readGID(text: string): string | undefined {
	const last = text.trim().toLowerCase().split(/[#:/]/).at(-1) ?? '';
	return pseudonym.test(last) ? last : undefined;
}
