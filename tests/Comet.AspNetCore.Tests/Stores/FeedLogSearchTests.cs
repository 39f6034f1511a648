using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Stores;

/// <summary>Places in a log of a store that has no way of its own to find them, with holes between its offsets.</summary>
public class FeedLogSearchTests
{
    private readonly ScriptedStore _store = new();

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
}
