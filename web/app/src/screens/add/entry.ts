/** Reads a number as people type them, with a point or a comma, and returns it with a point; undefined if it is none. */
export function readNumber(typed: string): string | undefined {
	const text = typed.trim().replace(',', '.');
	return /^-?\d+(\.\d+)?$/.test(text) ? text : undefined;
}

/** A moment as a date and time field has it: in local time, to the minute. */
export function localMinute(at: Date): string {
	return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
