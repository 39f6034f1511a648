using Comet.TestUtilities.Conformance;
using Microsoft.AspNetCore.Builder;

namespace Comet.AspNetCore.Tests.Stores;

public sealed class MemoryStoreTests : FeedStoreTests
{
    protected override void AddStore(WebApplicationBuilder builder)
    {
    }

    [Fact]
    public async Task A_log_that_begins_anew_has_another_epoch()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var (first, second) = (new RecordingTail(), new RecordingTail());

        await (await OpenAsync(host, feed, first)).DisposeAsync();
        await (await OpenAsync(host, feed, second)).DisposeAsync();

        Assert.NotEqual(first.Epoch, second.Epoch);
    }
}
