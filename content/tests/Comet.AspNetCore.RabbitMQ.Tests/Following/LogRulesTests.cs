using Comet.AspNetCore.RabbitMQ.Following;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class LogRulesTests
{
    private long _offset;

    [Fact]
    public void A_copy_counts_once_and_so_does_not_what_was_overtaken()
    {
        var rules = Begun();

        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(1, 10, rules.Epoch)));
        Assert.Equal(Verdict.Duplicate, rules.Judge(Entry(1, 10, rules.Epoch)));
        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(2, 5, rules.Epoch)));
        Assert.Equal(Verdict.Accepted, rules.Judge(Entry(1, 12, rules.Epoch)));
        Assert.Equal(Verdict.Duplicate, rules.Judge(Entry(1, 11, rules.Epoch)));
    }

    [Fact]
    public void The_first_who_begins_an_epoch_wins()
    {
        var rules = new LogRules(0);
        rules.Judge(Next(new StreamMessage { Id = new(1, 1) }));
        rules.Judge(Next(new StreamMessage { Id = new(2, 1) }));
        Assert.True(rules.IsEpochKnown);
        Assert.Null(rules.Epoch);

        Assert.Equal(Verdict.Accepted, rules.Judge(Next(new StreamMessage { Id = new(2, 2), Begins = true })));
        Assert.Equal(Verdict.Stale, rules.Judge(Next(new StreamMessage { Id = new(1, 2), Begins = true })));

        Assert.Equal(new MessageId(2, 2).ToEpoch(), rules.Epoch);
    }

    [Fact]
    public void What_is_published_in_an_epoch_that_is_over_does_not_count()
    {
        var rules = Begun();
        var old = rules.Epoch;
        rules.Judge(Next(new StreamMessage { Id = new(3, 1), Epoch = old, Begins = true }));

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
    public void Whoever_begins_in_the_middle_comes_to_the_same_log(int seed)
    {
        var stream = new RandomStream(seed, 1500);
        Assert.All(Enum.GetValues<Verdict>(), verdict => Assert.True(stream.Verdicts.Count(found => found == verdict) > 30, $"Too few are {verdict}."));

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
                var what = $"Seed {seed}, begun at {start}: {message.Id} at {message.Offset} is {verdict}, to a reader of all {stream.Verdicts[index]}.";
                Assert.True(verdict == stream.Verdicts[index] || (!rules.IsEpochKnown && verdict == Verdict.Stale), what);
                Assert.True(!rules.IsEpochKnown || rules.Epoch == stream.EpochAt(index), $"{what} The epoch is {rules.Epoch}.");
                Assert.True(rules.IsEpochKnown || index - start < 300, $"{what} The epoch is still unknown.");
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_scan_of_a_part_finds_what_a_reader_of_all_has(int seed)
    {
        var stream = new RandomStream(seed, 1500);
        var epoch = stream.EpochAt(stream.Messages.Count - 1)!;
        var scan = new FeedScan((from, to, _) => stream.ReadAsync(from, to), first: 0);
        var end = stream.Messages[^1].Offset;
        var all = Enumerable.Range(0, stream.Messages.Count)
            .Where(index => stream.Verdicts[index] == Verdict.Accepted && stream.Messages[index].Feed == "a" && stream.EpochAt(index) == epoch)
            .Select(index => stream.Messages[index].Offset + 1)
            .ToList();
        Assert.True(all.Count > 0, "The last epoch is too short.");

        for (var after = 0L; after < end; after += 5)
        {
            var page = await scan.ReadAsync("a", epoch, after, end, 40, TestContext.Current.CancellationToken);

            var expected = all.Where(offset => offset > after && offset <= end).Take(40).ToList();
            Assert.True(expected.SequenceEqual(page.Entries.Select(entry => entry.Offset)), $"Seed {seed}, after {after}.");
            Assert.Equal(0, page.TrimmedThrough);
        }
    }

    private LogRules Begun()
    {
        var rules = new LogRules(0);
        rules.Judge(Next(new StreamMessage { Id = new(9, 1), Begins = true }));
        return rules;
    }

    private StreamMessage Entry(long publisher, long sequence, string? epoch) =>
        Next(new StreamMessage { Id = new(publisher, sequence), Epoch = epoch, Feed = "feed" });

    private StreamMessage Next(StreamMessage message) => message with { Offset = _offset++ };
}
