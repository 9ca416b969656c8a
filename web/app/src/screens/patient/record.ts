import type { Row, Summary } from '../../messages';
import { places } from '../../places';
import { href } from '../../router.svelte';

/** Where a record of another's is shown. */
export function recordOf({ patient }: Pick<Summary, 'patient'>, { id }: Row): string {
	return href(places.patientRecord, { patient: patient.gid ?? '', id });
}
