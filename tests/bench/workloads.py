"""The work that is measured: a flow, its input, and a program by hand for the same."""


class Workload:
  def __init__(self, name, flow, source, hand, data, records, counted, goal=None, reference=None):
    self.name = name            # as in the tables
    self.flow = flow            # FLOW.flow beside this file
    self.source = source        # its source
    self.hand = hand            # program in hand/ and its arguments
    self.data = data            # from a number of records to the arguments of generate.c or, behind `nexmark`, the
                                # number of events
    self.records = records      # of the runs that are timed
    self.counted = counted      # of the two runs whose instructions are counted
    self.goal = goal            # instructions per record of the flow; None: no goal is set
    self.reference = reference  # the same, of the best known program by hand


def bids(form):
  return lambda count: ['bids', count, 10_000, form]


# The counted runs of words begin with each word once, those of events last until carts are full, so
# that the difference of two runs is the steady state. Of B with many users the keys are part of it:
# their number grows with the records, as in the timed run.
WORKLOADS = [
  Workload('A sum', 'running_sum', 'numbers', ['running_sum'], lambda count: ['numbers', count],
           15_000_000, (50_000, 250_000), goal=235, reference=188),
  Workload('B 1k users', 'cart_join', 'events', ['cart_join'], lambda count: ['events', count, 1_000],
           5_000_000, (50_000, 250_000), goal=1210, reference=965),
  Workload('B 1M users', 'cart_join', 'events', ['cart_join'],
           lambda count: ['events', count, max(count // 10, 1)],
           10_000_000, (50_000, 250_000), reference=913),
  Workload('C final', 'word_count', 'rows', ['word_count', 'final'],
           lambda count: ['words', count, 95_000],
           15_000_000, (50_000, 2_050_000), goal=145, reference=116),
  Workload('C update', 'word_updates', 'rows', ['word_count', 'update'],
           lambda count: ['words', count, 95_000],
           15_000_000, (50_000, 2_050_000), goal=230, reference=182),
  Workload('D JSON', 'bid_max', 'bids', ['bid_max', 'json'], bids('json'),
           4_000_000, (50_000, 250_000), goal=510, reference=406),
  Workload('D CSV', 'bid_max_csv', 'bids', ['bid_max', 'csv'], bids('csv'),
           4_000_000, (50_000, 250_000), goal=410, reference=327),
  Workload('D copy', 'bid_copy', 'bids', ['bid_copy'], bids('json'),
           4_000_000, (50_000, 250_000)),
  Workload('NEXMark q2', 'nexmark_q2', 'events', ['nexmark_q2'], lambda count: ['nexmark', count],
           4_000_000, (50_000, 250_000), reference=102),
  Workload('NEXMark q5', 'nexmark_q5', 'events', ['nexmark_q5'], lambda count: ['nexmark', count],
           4_000_000, (50_000, 250_000), reference=244),
]

# How far above its reference a program by hand may be, so that nobody races a straw man.
HAND_SLACK = 1.2


def named(name):
  return next(w for w in WORKLOADS if w.name == name)
