using System.Globalization;
using Comet.AspNetCore;

namespace CometBench.Stores;

/// <summary>Publishes as fast as the store confirms, from several publishers at once, in memory and in SQLite by turns.</summary>
internal static class PublishRun
{
    internal static async Task RunAsync(IConfiguration settings, string folder)
    {
        var duration = TimeSpan.FromSeconds(settings.GetValue("seconds", 3.0));
        var message = new string('x', settings.GetValue("size", 100) - 2);
        var retain = settings.GetValue("retain", 100_000);
        var rounds = settings.GetValue("rounds", 3);
        var publishers =
            settings.GetValue("publishers", "1,8,64")!.Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        await using var memory = Host("memory", folder, retain);
        await using var sqlite = Host("sqlite", folder, retain);
        (string Store, Feed<string> Feed)[] stores = [("memory", FeedOf(memory)), ("sqlite", FeedOf(sqlite))];
        foreach (var (_, feed) in stores)
        {
            await ConfirmedPublishing.MeasureAsync(feed, message, 8, TimeSpan.FromSeconds(1)); // compiled and warm
        }
        Console.WriteLine(
            $"{"publishers",10}  {"store",-6}  {"publishes/s",11}  {"p50 ms",8}  {"p99 ms",8}  {"max ms",8}  {"CPU us",7}   " +
            $"(median of {rounds} rounds, {message.Length + 2} bytes, {retain} retained)");
        foreach (var count in publishers)
        {
            var medians = await Turns.MediansAsync(
                stores, rounds, store => ConfirmedPublishing.MeasureAsync(store.Feed, message, count, duration), measured => measured.Rate);
            foreach (var ((store, _), (rate, p50, p99, max, cpu)) in stores.Zip(medians))
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{count,10}  {store,-6}  {rate,11:F0}  {p50,8:F3}  {p99,8:F3}  {max,8:F3}  {cpu,7:F1}"));
            }
        }
    }

    internal static WebApplication Host(string store, string folder, int retain)
    {
        var database = Path.Combine(folder, "publish.db");
        var builder = BenchHost.CreateBuilder(
            ["--store", store, "--retain", $"{retain}", "--ConnectionStrings:Comet", $"Data Source={database}"]);
        StoreServer.Add(builder);
        return builder.Build();
    }

    internal static Feed<string> FeedOf(WebApplication app) => app.Services.GetRequiredService<Feed<string>>();
}
