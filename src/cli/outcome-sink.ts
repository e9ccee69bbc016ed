import { gapNotice, type Notice, outcomeNotice } from '../controller/notices.ts';
import type { Tallies } from '../controller/tallies.ts';
import type { OutcomeSink } from '../delivery/ledger.ts';
import type { TriggerName } from '../domain/trigger.ts';
import type { TelemetrySink } from '../telemetry/sink.ts';

/** All who hear of outcomes in a controller: telemetry, the counts in the status, and people. */
export function outcomeSink(
  telemetry: TelemetrySink,
  tallies: Tallies,
  tell: (trigger: TriggerName, notice: Notice) => void,
): OutcomeSink {
  return {
    outcome(trigger, event, functionName, outcome) {
      telemetry.outcome(trigger, event, functionName, outcome);
      tallies.outcome(trigger, outcome);
      const notice = outcomeNotice(outcome, functionName);
      if (notice !== undefined) tell(trigger, notice);
    },
    late: (trigger, event, functionName, outcome) => telemetry.late(trigger, event, functionName, outcome),
    gap(trigger, gap) {
      telemetry.gap(trigger, gap);
      tell(trigger, gapNotice(gap));
    },
    forget: (trigger, functionName) => telemetry.forget(trigger, functionName),
  };
}
