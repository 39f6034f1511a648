using System.Text.Json;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>An update of the app has changed what a feed publishes, and the file has what the version before has published.</summary>
public sealed class SqliteChangedTypeTests : SqliteFileTests
{
    private sealed record Version1(string Text);

    private sealed record Version2(string Text)
    {
        public required int Number { get; init; }
    }

    [Fact]
    public async Task Messages_of_the_type_before_are_given_as_such_and_reading_goes_on()
    {
        FeedPosition[] before;
        await using (var host = await StartAsync())
        {
            var feed = FeedOf<Version1>(host);
            before = [await feed.PublishAsync(new("a")), await feed.PublishAsync(new("b"))];
        }
        await using var updated = await StartAsync();
        var changed = FeedOf<Version2>(updated);
        var after = await changed.PublishAsync(new("c") { Number = 3 });
        using var deadline = new CancellationTokenSource(Eventually.Patience);

        var messages = await changed.ReadAsync(FeedPosition.Earliest, deadline.Token).Take(3).ToListAsync(deadline.Token);

        Assert.Equal([.. before, after], messages.Select(message => message.Position));
        Assert.All(messages[..2], message => Assert.Equal(message.Position, message.Error!.Position));
        Assert.Equal((null, 3), (messages[2].Error, messages[2].Value.Number));
    }

    private static Feed<T> FeedOf<T>(StoreHost host)
    {
        var name = new FeedName("feed");
        var handle = new SingletonFeedHandle(host.Services.GetRequiredService<FeedRegistry>(), name, new FeedOptions());
        return new Feed<T>(name, handle, JsonSerializerOptions.Web);
    }
}
