using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Stores;

/// <summary>Places in a log of a store that has no way of its own to find them, with holes between its offsets.</summary>
public class FeedLogSearchTests
{
    private readonly ScriptedStore _store = new();

    [Theory]
    [InlineData(300, 100)]
    [InlineData(1000, 0)]
    public async Task In_a_log_that_begins_anew_meanwhile_the_search_begins_again(int count, long offset)
    {
        Assert.Equal(new FeedPosition("new", offset), await FeedLogSearch.FindNewestAsync(new LogThatBeginsAnew(), count, default));
        Assert.Equal(
            new FeedPosition("new", 0), await FeedLogSearch.FindSinceAsync(new LogThatBeginsAnew(), LogThatBeginsAnew.At, default));
    }

    [Fact]
    public async Task In_a_log_that_begins_anew_before_the_page_is_counted_the_search_begins_again() =>
        Assert.Equal(
            new FeedPosition("new", 100), await FeedLogSearch.FindNewestAsync(new LogThatBeginsAnew(readsBefore: 5), 300, default));

    [Fact]
    public async Task What_is_trimmed_while_the_newest_are_searched_is_not_counted()
    {
        _store.With(600);
        var reads = 0;
        _store.BeforeRead = () =>
        {
            if (++reads == 4) // the pages were counted; the one in which the newest begin is read again
            {
                _store.Trim(150);
            }
            return Task.CompletedTask;
        };

        Assert.Equal(200 * ScriptedStore.Step, (await FindNewestAsync(400)).Offset);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(350)]
    public async Task When_more_is_trimmed_everything_follows_that_is_left(int count)
    {
        _store.With(600);
        var reads = 0;
        _store.BeforeRead = () =>
        {
            if (++reads == 4)
            {
                _store.Trim(255);
            }
            return Task.CompletedTask;
        };

        Assert.Equal(Math.Max(255, 600 - count) * ScriptedStore.Step, (await FindNewestAsync(count)).Offset);
    }

    [Fact]
    public async Task A_log_that_has_lost_its_oldest_entries_has_as_many_as_it_has()
    {
        _store.With(300);
        _store.Trim(290);

        Assert.Equal(290 * ScriptedStore.Step, (await FindNewestAsync(1000)).Offset);
        Assert.Equal(290 * ScriptedStore.Step, (await FeedLogSearch.FindSinceAsync(_store, DateTimeOffset.MinValue, default)).Offset);
        Assert.Equal(295 * ScriptedStore.Step, (await FindNewestAsync(5)).Offset);
        Assert.Equal(300 * ScriptedStore.Step, (await FindNewestAsync(0)).Offset);
    }

    [Theory]
    [InlineData(5, 295)]
    [InlineData(10, 290)]
    [InlineData(11, 290)]
    public async Task A_reader_gets_what_is_left_when_more_is_trimmed_before_it_reads(int newest, int first)
    {
        _store.With(300);
        _store.Trim(280);
        var reads = 0;
        _store.BeforeRead = () =>
        {
            if (++reads == 4) // after the search
            {
                _store.Trim(10);
            }
            return Task.CompletedTask;
        };
        await using var app = await NewsApp.StartAsync(configure: builder => builder.Services.AddSingleton<IFeedStore>(_store));
        var core = app.News().Handle.Acquire();

        var reader = await FeedReader.StartAsync(core, FeedStart.AtNewest(newest), default);

        Assert.True(reader.Recovered);
        Assert.Equal(first * ScriptedStore.Step, reader.Position.Offset);
        Assert.Equal($"{first + 1}", (await app.News().ReadAsync(reader.Position).FirstAsync().AsTask().WithPatience()).Value);
    }

    private ValueTask<FeedPosition> FindNewestAsync(int count) => FeedLogSearch.FindNewestAsync(_store, count, default);

    /// <summary>Its first epoch has 1,000 messages before a date, the other 400 after it.</summary>
    private sealed class LogThatBeginsAnew(int readsBefore = 1) : IFeedLog
    {
        internal static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch.AddDays(1);

        private int _reads;

        public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
        {
            var isOld = _reads++ < readsBefore;
            var (head, at) = isOld ? (1000, At.AddDays(-1)) : (400, At);
            var count = (int)Math.Clamp(head - after, 0, maxEntries);
            var entries = Enumerable.Range(1, count).Select(number => new FeedEntry(after + number, "1"u8.ToArray(), at));
            return new(new FeedLogPage(isOld ? "old" : "new", 0, [.. entries]));
        }

        public ValueTask DisposeAsync() => default;
    }
}
