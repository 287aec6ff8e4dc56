/* Everything that a generated program may see of the runtime, in one include. */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "flow/abi.h"
#include "flow/aggregate.h"
#include "flow/bytes.h"
#include "flow/codec.h"
#include "flow/csv.h"
#include "flow/decimal.h"
#include "flow/json.h"
#include "flow/json_value.h"
#include "flow/list.h"
#include "flow/map.h"
#include "flow/mark.h"
#include "flow/nexmark.h"
#include "flow/number.h"
#include "flow/parts.h"
#include "flow/record.h"
#include "flow/schema.h"
#include "flow/state.h"
#include "flow/text.h"
#include "flow/time.h"
#include "flow/timer.h"
#include "flow/value.h"
#include "flow/window.h"

#endif
