using Comet.AspNetCore.Tests.Feeds;
using Comet.AspNetCore.Tests.Hosting;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>Streams that have left the web server give their descriptors back. Runs alone, as it counts those of the process.</summary>
[Collection(nameof(Alone))]
public class DetachedDescriptorTests
{
    private static readonly string[] Ndjson = ["Accept: application/x-ndjson"];

    public DetachedDescriptorTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Streams leave the server on Linux only.");

    [Fact]
    public async Task Clients_that_leave_while_they_join_leave_nothing_behind()
    {
        await using var app = await NewsApp.StartAsync();
        await OpenAndLeaveAsync(app, 100); // what the process keeps for itself
        var before = Descriptors();

        await OpenAndLeaveAsync(app, 2_000);

        await app.NoStreamIsOpenAsync();
        await Eventually.HoldsAsync(() => Descriptors() <= before + 10, $"no more than {before} descriptors");
        await app.StopWithoutErrorAsync();
    }

    private static async Task OpenAndLeaveAsync(TestApp app, int clients)
    {
        await Parallel.ForAsync(0, clients, TestContext.Current.CancellationToken, async (i, _) =>
        {
            await using var stream = await RawConnection.ConnectAsync(app.Url, "/", Ndjson);
            if (i % 2 == 0)
            {
                await stream.ReadHeadAsync();
            }
            if (i % 3 == 0)
            {
                stream.Reset();
            }
        });
        await app.NoStreamIsOpenAsync();
    }

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
