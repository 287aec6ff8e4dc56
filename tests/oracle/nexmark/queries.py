"""The queries of NEXMark in SQLite's SQL, over the tables person, auction, bid and side_input.

`number` is the place of an event in the input; times are in milliseconds. Of equals the one that came first is
first, where SQL leaves it open. Queries whose result is kept up to date are the table at the end of the input.
q12 goes by the clock of the run, so only the sums over its windows are known.
"""

# What is computed with windows of ten seconds every two: each bid is in five of them.
SLIDES = """
  slides(start) AS (
    SELECT 2000 * (MIN(dateTime) / 2000) - 8000 FROM bid
    UNION ALL SELECT start + 2000 FROM slides WHERE start + 2000 <= (SELECT MAX(dateTime) FROM bid)
  ),
  counts AS (
    SELECT start, auction, COUNT(*) AS num FROM slides JOIN bid ON dateTime >= start AND dateTime < start + 10000
    GROUP BY start, auction
  )"""

# The bids for each auction while it was open, the best one first.
OFFERS = """
  offers AS (
    SELECT A.*, B.auction, B.bidder, B.price, B.dateTime AS bid_dateTime, B.extra AS bid_extra,
      ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.dateTime, B.number) AS place
    FROM auction A JOIN bid B ON A.id = B.auction AND B.dateTime BETWEEN A.dateTime AND A.expires
  )"""

# A session ends where the next bid of the bidder comes more than ten seconds later.
SESSIONS = """
  starts AS (
    SELECT bidder, dateTime, number,
      COALESCE(dateTime - LAG(dateTime) OVER by_bidder > 10000, 1) AS is_start
    FROM bid WINDOW by_bidder AS (PARTITION BY bidder ORDER BY dateTime, number)
  ),
  sessions AS (
    SELECT bidder, dateTime,
      SUM(is_start) OVER (PARTITION BY bidder ORDER BY dateTime, number ROWS UNBOUNDED PRECEDING) AS session
    FROM starts
  )"""

LEVELS = {"total": "TRUE", "rank1": "price < 10000", "rank2": "price >= 10000 AND price < 1000000",
          "rank3": "price >= 1000000"}
COUNTS = ", ".join(f"COUNT(*) FILTER (WHERE {when}) AS {name}_bids" for name, when in LEVELS.items())
DISTINCT = ", ".join(f"COUNT(DISTINCT {what}) FILTER (WHERE {when}) AS {name}_{what}s"
                     for what in ("bidder", "auction") for name, when in LEVELS.items())
BID = "auction, bidder, price, channel, url, time(dateTime) AS dateTime, extra"

QUERIES = {
    "q0": "SELECT auction, bidder, price, time(dateTime) AS dateTime, extra FROM bid ORDER BY number",
    "q1": """SELECT auction, bidder, decimal(908 * price, 3) AS price, time(dateTime) AS dateTime, extra
             FROM bid ORDER BY number""",
    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0 ORDER BY number",
    "q3": """SELECT P.name, P.city, P.state, A.id FROM auction A JOIN person P ON A.seller = P.id
             WHERE A.category = 10 AND P.state IN ('OR', 'ID', 'CA')""",
    "q4": f"""WITH {OFFERS} SELECT category, ratio(SUM(price), COUNT(*)) AS average FROM offers
              WHERE place = 1 GROUP BY category""",
    "q5": f"""WITH RECURSIVE {SLIDES} SELECT auction, num FROM counts
              JOIN (SELECT start, MAX(num) AS most FROM counts GROUP BY start) USING (start) WHERE num = most""",
    "q6": f"""WITH {OFFERS}, sold AS (
                SELECT seller, price, ROW_NUMBER() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) AS back
                FROM offers WHERE place = 1
              ) SELECT seller, ratio(SUM(price), COUNT(*)) AS average FROM sold WHERE back <= 10 GROUP BY seller""",
    "q7": """WITH highest AS (SELECT dateTime / 10000 AS period, MAX(price) AS price FROM bid GROUP BY period)
             SELECT B.auction, B.bidder, B.price, time(B.dateTime) AS dateTime, B.extra
             FROM bid B JOIN highest H ON B.dateTime / 10000 = H.period AND B.price = H.price""",
    "q8": """SELECT DISTINCT P.id, P.name, time(P.dateTime / 10000 * 10000) AS stime FROM person P
             JOIN auction A ON P.id = A.seller AND P.dateTime / 10000 = A.dateTime / 10000""",
    "q9": f"""WITH {OFFERS} SELECT id, itemName, description, initialBid, reserve, time(dateTime) AS dateTime,
                time(expires) AS expires, seller, category, extra, auction, bidder, price,
                time(bid_dateTime) AS bid_dateTime, bid_extra
              FROM offers WHERE place = 1""",
    "q10": """SELECT auction, bidder, price, time(dateTime) AS dateTime, extra, day(dateTime) AS dt,
                clock(dateTime) AS hm FROM bid ORDER BY number""",
    "q11": f"""WITH {SESSIONS} SELECT bidder, COUNT(*) AS bid_count, time(MIN(dateTime)) AS starttime,
                 time(MAX(dateTime) + 10000) AS endtime FROM sessions GROUP BY bidder, session""",
    "q12": "SELECT bidder, COUNT(*) AS bid_count FROM bid GROUP BY bidder",
    "q13": """SELECT auction, bidder, price, time(dateTime) AS dateTime, S.value
              FROM bid JOIN side_input S ON auction % 10000 = S.key""",
    "q14": """SELECT auction, bidder, decimal(908 * price, 3) AS price,
                CASE WHEN hour(dateTime) BETWEEN 8 AND 18 THEN 'dayTime'
                     WHEN hour(dateTime) <= 6 OR hour(dateTime) >= 20 THEN 'nightTime'
                     ELSE 'otherTime' END AS bidTimeType,
                time(dateTime) AS dateTime, extra, LENGTH(extra) - LENGTH(REPLACE(extra, 'c', '')) AS c_counts
              FROM bid WHERE 908 * price > 1000000000 AND 908 * price < 50000000000 ORDER BY number""",
    "q15": f"""SELECT time(dateTime / 86400000 * 86400000) AS day, {COUNTS}, {DISTINCT} FROM bid GROUP BY 1""",
    "q16": f"""SELECT channel, time(dateTime / 86400000 * 86400000) AS day, MAX(clock(dateTime)) AS minute,
                 {COUNTS}, {DISTINCT} FROM bid GROUP BY 1, 2""",
    "q17": f"""SELECT auction, time(dateTime / 86400000 * 86400000) AS day, {COUNTS}, MIN(price) AS min_price,
                 MAX(price) AS max_price, SUM(price) AS sum_price, SUM(price) / COUNT(*) AS avg_price
               FROM bid GROUP BY 1, 2""",
    "q18": f"""SELECT {BID} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction
                 ORDER BY dateTime DESC, number DESC) AS place FROM bid AS b) WHERE place = 1""",
    "q19": f"""SELECT {BID}, rank_number FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction
                 ORDER BY price DESC, number) AS rank_number FROM bid AS b) WHERE rank_number <= 10""",
    "q20": """SELECT auction, bidder, price, channel, url, time(B.dateTime) AS bid_dateTime, B.extra AS bid_extra,
                itemName, description, initialBid, reserve, time(A.dateTime) AS auction_dateTime,
                time(expires) AS expires, seller, category, A.extra AS auction_extra
              FROM bid B JOIN auction A ON B.auction = A.id WHERE category = 10""",
    "q21": """SELECT auction, bidder, price, channel, COALESCE(CASE LOWER(channel) WHEN 'apple' THEN '0'
                WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' END, channel_id(url))
                AS channel_id
              FROM bid WHERE channel_id(url) IS NOT NULL OR LOWER(channel) IN
                ('apple', 'google', 'facebook', 'baidu') ORDER BY number""",
    "q22": """SELECT auction, bidder, price, channel, folder(url, 3) AS dir1, folder(url, 4) AS dir2,
                folder(url, 5) AS dir3 FROM bid ORDER BY number""",
}

# Rows at 1,000,000 events, as far as they are known from elsewhere.
ROWS = {"q0": 920_000, "q1": 920_000, "q2": 8308, "q5": 172, "q8": 8714, "q11": 19_922, "q14": 260_563,
        "q17": 48_148, "q20": 177_120}


# Queries that go by the clock.
BY_CLOCK = {"q12"}


def without_clock(name, rows):
    """The rows of q12, those of all windows of a bidder added up."""
    counts = {}
    for row in rows:
        counts[row["bidder"]] = counts.get(row["bidder"], 0) + row["bid_count"]
    return [{"bidder": bidder, "bid_count": count} for bidder, count in counts.items()]


def is_ordered(name):
    """Whether the rows come in the order of the input."""
    return "ORDER BY number" in QUERIES[name][-16:]
