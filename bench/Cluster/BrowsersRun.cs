using System.Net.Sockets;
using System.Text;

namespace CometBench.Cluster;

/// <summary>What the broker has open for few and for many browsers.</summary>
internal static class BrowsersRun
{
    internal static async Task RunAsync(IConfiguration settings)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await using var site = await Site.StartAsync();
        Console.WriteLine(
            $"{"browsers",10} {"streams at the servers",24} {"connections at the broker",27} {"channels",10} {"consumers",10} " +
            $"{"CPU us to open one",20} {"bytes of memory each",22}");
        var streams = new List<Socket>();
        foreach (var count in (settings["browsers"] ?? "10,2000").Split(',').Select(int.Parse))
        {
            var (opened, cpu, memory) = (
                count - streams.Count, Sum(server => server.CpuTime.TotalMicroseconds), Sum(server => server.Memory));
            while (streams.Count < count)
            {
                streams.Add(await OpenAsync(site.Servers[streams.Count % 2].Url));
            }
            cpu = (Sum(server => server.CpuTime.TotalMicroseconds) - cpu) / opened;
            memory = (Sum(server => server.Memory) - memory) / opened;
            using var content = new StringContent("1");
            (await client.PostAsync(new Uri(site.Url, "/pub"), content)).EnsureSuccessStatusCode();
            await Task.Delay(2000);
            var connections = (await ListAsync(site, "connections", "pid")).Length;
            var channels = (await ListAsync(site, "channels", "pid")).Length;
            var consumers = (await ListAsync(site, "channels", "consumer_count")).Sum(int.Parse);
            Console.WriteLine(
                $"{count,10} {streams.Count,24} {connections,27} {channels,10} {consumers,10} {cpu,20:F0} {memory,22:F0}");
        }
        streams.ForEach(stream => stream.Dispose());

        double Sum(Func<ServerProcess, double> figure) => site.Servers.Sum(figure);
    }

    private static async Task<Socket> OpenAsync(Uri server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /sub HTTP/1.1\r\nHost: {server.Authority}\r\n\r\n"));
        var head = new byte[4096];
        var length = await socket.ReceiveAsync(head);
        if (!Encoding.ASCII.GetString(head, 0, length).StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
        {
            throw new IOException("A stream was refused.");
        }
        return socket;
    }

    private static async Task<string[]> ListAsync(Site site, string what, string column)
    {
        var lines = await site.Nodes[0].ControlAsync("rabbitmqctl", $"list_{what}", column, "--silent", "--no-table-headers");
        return lines.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
