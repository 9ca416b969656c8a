import type { Grantee, Person } from '../messages';
import { t } from './words.svelte';

/** Somebody as a sentence names them. */
export function personName(person: Person): string {
	if (person.me) return t().people.you;
	return person.name || t().people.unknown(shortGID(person.gid ?? ''));
}

/** Enough of a pseudonym to tell two apart. */
export function shortGID(gid: string): string {
	return gid.length > 12 ? `${gid.slice(0, 6)}…${gid.slice(-4)}` : gid;
}

/** Who a grant lets in, as a sentence names them: "doctors of city-hospital". */
export function granteeName(to: Grantee): string {
	if (to.kind === 'person' || to.kind === 'proxy') return to.name || t().people.unknown(shortGID(to.gid ?? ''));
	if (to.kind === 'emergency') return t().people.emergency;
	if (to.attribute && to.authority) return t().people.roleOf(roleName(to.attribute), to.authority);
	return expressionName(to.expression);
}

/** Who a policy lets in, where it names one role: "doctors of city-hospital"; the policy as it stands where it names more. */
export function expressionName(expression: string): string {
	const [, role, authority] = /^([\w-]+)@([\w-]+)$/.exec(expression) ?? [];
	return role && authority ? t().people.roleOf(roleName(role), authority) : expression;
}

/** Many who hold a role: "doctors". */
export function roleName(attribute: string): string {
	const roles: Partial<Record<string, string>> = t().people.roles;
	return roles[attribute] ?? attribute;
}

/** A part of a record, as a person calls it. */
export function partName(compartment: string): string {
	const parts: Partial<Record<string, string>> = t().people.parts;
	return parts[compartment] ?? compartment.slice(0, 1).toLocaleUpperCase() + compartment.slice(1);
}
