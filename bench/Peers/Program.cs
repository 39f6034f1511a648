// What else .NET offers for pushing to a browser. One process serves one of them: --peer sse | signalr | naive
using CometBench;
using CometBench.Peers;

var builder = BenchHost.CreateBuilder(args);
var peer = builder.Configuration["peer"];
if (peer == "signalr")
{
    builder.Services.AddSignalR(hub => hub.ClientTimeoutInterval = TimeSpan.FromMinutes(10)); // the load client sends no pings
}
var app = builder.Build();
switch (peer)
{
    case "sse":
        ServerSentEventsPeer.Map(app);
        break;
    case "signalr":
        SignalRPeer.Map(app);
        break;
    case "naive":
        NaiveCometPeer.Map(app);
        break;
    default:
        Console.Error.WriteLine("--peer sse, signalr or naive");
        return 2;
}
app.RunUntilParentEnds();
return 0;
