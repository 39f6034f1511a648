using System.Globalization;
using Microsoft.Playwright;

namespace CometBench.Cluster;

/// <summary>A page that follows a feed through nginx in a real browser while its servers die.</summary>
internal static class PageRun
{
    internal const string Page = """
        <!doctype html><title>Numbers</title><p id="last"></p>
        <script src="/_content/Comet.AspNetCore/comet.js"></script>
        <script>
          window.numbers = [];
          window.opened = 0;
          const source = new CometSource('/sub', { from: 'earliest' });
          source.onopen = () => opened++;
          source.onmessage = event => { numbers.push(Number(event.data)); last.textContent = event.data; };
        </script>
        """;

    internal static async Task<bool> RunAsync(IConfiguration settings)
    {
        var kills = settings.GetValue("kills", 4);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await using var site = await Site.StartAsync();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = settings["browser"] ?? "/usr/bin/chromium" });
        var page = await browser.NewPageAsync();
        await page.GotoAsync(site.Url.ToString());

        using var end = new CancellationTokenSource();
        var publishing = PublishAsync(client, site, end.Token);
        for (var kill = 0; kill < kills; kill++)
        {
            await Task.Delay(2000);
            var server = await FindAsync(client, site);
            await server.KillAsync();
            await Task.Delay(1000);
            await server.StartAsync();
        }
        await Task.Delay(3000);
        await end.CancelAsync();
        var confirmed = await publishing;
        await page.WaitForFunctionAsync($"numbers.includes({confirmed[^1]})", null, new() { Timeout = 30_000 });

        var seen = await page.EvaluateAsync<long[]>("numbers");
        var opened = await page.EvaluateAsync<int>("opened");
        var (lost, doubled) = (confirmed.Except(seen).Count(), seen.Length - seen.Distinct().Count());
        var inOrder = seen.SequenceEqual(seen.Order());
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"browser {browser.Version}: {kills} servers killed, opened {opened} times, " +
            $"{confirmed.Count} confirmed, {seen.Length} shown, " +
            $"{lost} lost, {doubled} doubled, {(inOrder ? "in" : "NOT in")} order"));
        return lost == 0 && doubled == 0 && inOrder && opened == kills + 1;
    }

    // The server that the page is connected to.
    private static async Task<ServerProcess> FindAsync(HttpClient client, Site site)
    {
        while (true)
        {
            foreach (var server in site.Servers)
            {
                if (await client.GetStringAsync(new Uri(server.Url, "/streams")) != "0")
                {
                    return server;
                }
            }
            await Task.Delay(50);
        }
    }

    // Publishes to the server that is up; what fails is published as the next number, so that the numbers rise.
    private static async Task<List<long>> PublishAsync(HttpClient client, Site site, CancellationToken cancellationToken)
    {
        var confirmed = new List<long>();
        for (var number = 1L; !cancellationToken.IsCancellationRequested; number++)
        {
            try
            {
                using var content = new StringContent(number.ToString(CultureInfo.InvariantCulture));
                using var answer = await client.PostAsync(new Uri(site.Servers[number % 2].Url, "/pub"), content, CancellationToken.None);
                answer.EnsureSuccessStatusCode();
                confirmed.Add(number);
            }
            catch (HttpRequestException)
            {
                // The server was just killed.
            }
            await Task.Delay(20, CancellationToken.None);
        }
        return confirmed;
    }
}
