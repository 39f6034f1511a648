using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.RabbitMQ.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class LogRulesTests
{
    private long _offset;

    [Fact]
    public void Copies_and_overtaken_messages_are_duplicates()
    {
        var rules = Begun();

        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(1, 10, rules.Epoch)));
        Assert.Equal(Verdict.Duplicate, rules.Judge(Entry(1, 10, rules.Epoch)));
        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(2, 5, rules.Epoch)));
        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(1, 12, rules.Epoch)));
        Assert.Equal(Verdict.Duplicate, rules.Judge(Entry(1, 11, rules.Epoch)));
    }

    [Fact]
    public void The_first_message_that_begins_an_epoch_wins()
    {
        var rules = new LogRules(0);
        rules.Judge(Next(new RabbitMQMessage { Id = new(1, 1) }));
        rules.Judge(Next(new RabbitMQMessage { Id = new(2, 1) }));
        Assert.True(rules.IsEpochKnown);
        Assert.Null(rules.Epoch);

        Assert.Equal(Verdict.Accepted, rules.Judge(Next(new RabbitMQMessage { Id = new(2, 2), Begins = true })));
        Assert.Equal(Verdict.Stale, rules.Judge(Next(new RabbitMQMessage { Id = new(1, 2), Begins = true })));

        Assert.Equal(new MessageId(2, 2).ToEpoch(), rules.Epoch);
    }

    [Fact]
    public void An_epoch_that_may_follow_any_begins_whatever_is_current()
    {
        var (rules, late) = (Begun(), new LogRules(_offset));
        var begins = Next(new RabbitMQMessage { Id = new(5, 1), Epoch = RabbitMQMessage.AnyEpoch, Floor = 0, Begins = true });

        foreach (var each in (LogRules[])[rules, late])
        {
            Assert.Equal(Verdict.Accepted, each.Judge(begins));
            Assert.Equal(begins.Id.ToEpoch(), each.Epoch);
            Assert.True(each.IsEpochKnown);
            Assert.Equal(Verdict.Duplicate, each.Judge(begins));
        }
    }

    [Fact]
    public void A_message_of_an_epoch_that_is_over_is_stale()
    {
        var rules = Begun();
        var old = rules.Epoch;
        rules.Judge(Next(new RabbitMQMessage { Id = new(3, 1), Epoch = old, Begins = true }));

        Assert.NotEqual(old, rules.Epoch);
        Assert.Equal(Verdict.Stale, rules.Judge(Entry(1, 10, old)));
        Assert.Equal(Verdict.Stale, rules.Judge(Entry(1, 11, null)));
        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(1, 12, rules.Epoch)));
    }

    [Fact]
    public void An_epoch_is_five_bytes_in_lower_case()
    {
        Assert.Matches("^[0-9a-f]{10}$", new MessageId(long.MaxValue, long.MinValue).ToEpoch());
        Assert.NotEqual(new MessageId(1, 2).ToEpoch(), new MessageId(2, 1).ToEpoch());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_reader_that_begins_in_the_middle_comes_to_the_same_log(int seed)
    {
        var stream = new RandomStream(seed, 1500);
        Assert.All(
            Enum.GetValues<Verdict>(),
            verdict => Assert.True(stream.Verdicts.Count(found => found == verdict) > 30, $"Too few are {verdict}."));

        for (var start = 1; start < stream.Messages.Count; start += 3)
        {
            var rules = new LogRules(stream.Messages[start].Offset);
            for (var index = start; index < stream.Messages.Count; index++)
            {
                var message = stream.Messages[index];
                if (!rules.CanJudge(message))
                {
                    foreach (var older in stream.Messages.Where(older => older.Offset > message.Floor && older.Offset < rules.KnownFrom))
                    {
                        rules.Learn(older.Id);
                    }
                    rules.LearntFrom(message.Floor + 1);
                }
                var verdict = rules.Judge(message);
                var what = $"Seed {seed}, begun at {start}: {message.Id} at {message.Offset} is {verdict}, "
                    + $"to a reader of all {stream.Verdicts[index]}.";
                Assert.True(verdict == stream.Verdicts[index] || (!rules.IsEpochKnown && verdict == Verdict.Stale), what);
                Assert.True(!rules.IsEpochKnown || rules.Epoch == stream.EpochAt(index), $"{what} The epoch is {rules.Epoch}.");
                Assert.True(rules.IsEpochKnown || index - start < 300, $"{what} The epoch is still unknown.");
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Reading_a_part_finds_the_entries_that_a_reader_of_all_has(int seed)
    {
        var stream = new RandomStream(seed, 1500);
        var epoch = stream.EpochAt(stream.Messages.Count - 1)!;
        var scan = new RabbitMQLogReader((from, to, _) => stream.ReadAsync(from, to), _ => Task.FromResult(0L));
        var end = stream.Messages[^1].Offset;
        var all = Enumerable.Range(0, stream.Messages.Count)
            .Where(index => stream.Verdicts[index] == Verdict.Accepted && stream.Messages[index].Feed == "a")
            .Where(index => stream.EpochAt(index) == epoch)
            .Select(index => stream.Messages[index].Offset + 1)
            .ToList();
        Assert.True(all.Count > 0, "The last epoch is too short.");

        for (var after = 0L; after < end; after += 5)
        {
            var page = await ReadAsync(scan, epoch, after, end, 40);

            var expected = all.Where(offset => offset > after && offset <= end).Take(40).ToList();
            Assert.True(expected.SequenceEqual(page.Entries.Select(entry => entry.Offset)), $"Seed {seed}, after {after}.");
            Assert.Equal(0, page.TrimmedThrough);
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    public async Task Reading_a_part_tells_what_retention_removed_before_it_began(int seed)
    {
        var stream = new RandomStream(seed, 1500);
        var longest = Enumerable.Range(0, stream.Messages.Count)
            .Where(index => stream.Verdicts[index] == Verdict.Accepted && stream.Messages[index].Feed == "a")
            .GroupBy(index => stream.EpochAt(index)!, index => stream.Messages[index].Offset)
            .MaxBy(epoch => epoch.Count())!;
        var (epoch, accepted) = (longest.Key, longest.ToList());
        var end = accepted[^1] + 1;
        Assert.True(accepted.Count > 10, "All epochs are too short.");

        for (var index = 1; index < accepted.Count; index++)
        {
            // The entry before was there when the reading was asked for.
            var kept = accepted[index - 1];
            var scan = new RabbitMQLogReader((from, to, _) =>
            {
                kept = accepted[index];
                return stream.ReadAsync(Math.Max(from, kept), to);
            }, _ => Task.FromResult(kept));

            var after = accepted[index - 1];
            var page = await ReadAsync(scan, epoch, after, end, 1000);

            Assert.True(
                page.TrimmedThrough > after,
                $"Seed {seed}: the entry after {after} is missing, but only those up to {page.TrimmedThrough} are reported.");
            Assert.True(page.TrimmedThrough <= accepted[index], $"Seed {seed}: {accepted[index]} is reported as missing.");
        }
    }

    // A publisher may send any number of messages before it reads the first of them back.
    [Fact]
    public async Task Reading_part_after_part_does_not_look_back_each_time()
    {
        const int Messages = 40_000;
        var epoch = new MessageId(1, 1).ToEpoch();
        var delivered = 0;
        var reader = new RabbitMQLogReader((from, to, _) => DeliverAsync(from, to), _ => Task.FromResult(0L));

        var (after, found) = (10_000L, 0);
        while (after < Messages)
        {
            var page = await ReadAsync(reader, epoch, after, Messages, int.MaxValue);
            (after, found) = (page.Through, found + page.Entries.Count);
        }

        Assert.Equal(30_000, found);
        Assert.InRange(delivered, 30_000, 60_000);

        async IAsyncEnumerable<RabbitMQMessage> DeliverAsync(long from, long to)
        {
            await Task.Yield();
            for (var offset = from; offset < to; offset++)
            {
                delivered++;
                yield return new RabbitMQMessage { Id = new(7, offset), Offset = offset, Floor = 100, Feed = "a", Epoch = epoch };
            }
        }
    }

    private static async Task<OlderPage> ReadAsync(RabbitMQLogReader reader, string epoch, long after, long through, int maxEntries)
    {
        var read = new OlderRead("a", epoch, after, through, maxEntries, maxBytes: long.MaxValue);
        var scan = new LogScan(epoch, after, through, [read]);
        await reader.ReadAsync(scan, TestContext.Current.CancellationToken);
        scan.Complete();
        return (await read.Page)!;
    }

    private LogRules Begun()
    {
        var rules = new LogRules(0);
        rules.Judge(Next(new RabbitMQMessage { Id = new(9, 1), Begins = true }));
        return rules;
    }

    private RabbitMQMessage Entry(long publisher, long sequence, string? epoch) =>
        Next(new RabbitMQMessage { Id = new(publisher, sequence), Epoch = epoch, Feed = "feed" });

    private RabbitMQMessage Next(RabbitMQMessage message) => message with { Offset = _offset++ };
}
