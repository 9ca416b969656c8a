/** When a share ends by itself. */
export type Ending = 'week' | 'month' | 'quarter' | 'year' | 'date' | 'none';

const months: Partial<Record<Ending, number>> = { month: 1, quarter: 3, year: 12 };

/** Returns the end of the last day, as it crosses in messages; undefined if there is no end, or no date was chosen. */
export function endOf(ending: Ending, date: string, now = new Date()): string | undefined {
	const end = ending === 'date' ? new Date(`${date}T00:00`) : new Date(now);
	if (ending === 'none' || Number.isNaN(end.getTime())) return undefined;
	if (ending === 'week') end.setDate(end.getDate() + 7);
	end.setMonth(end.getMonth() + (months[ending] ?? 0));
	// The last day of a year is the one before today's date: nobody may act for another for more than 366 days.
	if (ending === 'year') end.setDate(end.getDate() - 1);
	end.setHours(23, 59, 0, 0);
	return end.toISOString();
}

/** A day as a date field has it, some days from now. */
export function dateField(days: number, now = new Date()): string {
	const date = new Date(now);
	date.setDate(date.getDate() + days);
	return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
