import { locale } from './plural';
import { spoken } from './words.svelte';

// Everything here reads the language that is spoken, so what shows it follows a change of it.

const made = new Map<string, Intl.DateTimeFormat>();

function dates(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const id = `${spoken()} ${key}`;
	const known = made.get(id) ?? new Intl.DateTimeFormat(locale(spoken()), options);
	made.set(id, known);
	return known;
}

type Moment = string | number | Date;

/** "18 Nov", with the year if it is not this one. */
export function day(at: Moment, now: Date = new Date(), timeZone?: string): string {
	const date = new Date(at);
	const year = date.getFullYear() === now.getFullYear() ? undefined : 'numeric';
	return dates(`day ${year} ${timeZone}`, { day: 'numeric', month: 'short', year, timeZone }).format(date);
}

/** The day on which something happened. One that has no time of day is the same day wherever it is read. */
export function dayOf({ date, day: whole }: { date?: string; day?: boolean }): string {
	return date ? day(date, new Date(), whole ? 'UTC' : undefined) : '';
}

/** "22 February 2027": for what a person decides on. */
export function fullDay(at: Moment): string {
	return dates('full day', { day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(at));
}

/** "Sunday 22 November". */
export function weekday(at: Moment): string {
	return dates('weekday', { weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(at)).replace(',', '');
}

/** "November 2026". */
export function month(at: Moment): string {
	return dates('month', { month: 'long', year: 'numeric' }).format(new Date(at));
}

/** "Mar 2025": for marks on a line of years. */
export function shortMonth(at: Moment): string {
	return dates('short month', { month: 'short', year: 'numeric' }).format(new Date(at));
}

/** "14:05". */
export function time(at: Moment): string {
	return dates('time', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
}

/** "18 Nov, 14:05". */
export function moment(at: Moment): string {
	return `${day(at)}, ${time(at)}`;
}

/** "5 minutes ago", "yesterday", and the day itself once that is clearer. */
export function ago(at: Moment, now: Date = new Date()): string {
	const seconds = (new Date(at).getTime() - now.getTime()) / 1000;
	const relative = new Intl.RelativeTimeFormat(locale(spoken()), { numeric: 'auto' });
	if (Math.abs(seconds) < 3600) return relative.format(Math.round(seconds / 60), 'minute');
	if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3600), 'hour');
	if (Math.abs(seconds) < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day');
	return day(at, now);
}

/** "1,204.5". */
export function number(n: number, options?: Intl.NumberFormatOptions): string {
	return new Intl.NumberFormat(locale(spoken()), options).format(n);
}

/** "12 kB". */
export function bytes(n: number): string {
	const [value, unit] = n < 1000 ? [n, 'byte'] : n < 1e6 ? [n / 1000, 'kilobyte'] : [n / 1e6, 'megabyte'];
	return number(value, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** "labs, medicines and notes"; with 'disjunction', "labs, medicines or notes". */
export function list(items: readonly string[], type: 'conjunction' | 'disjunction' = 'conjunction'): string {
	return new Intl.ListFormat(locale(spoken()), { type }).format(items);
}
