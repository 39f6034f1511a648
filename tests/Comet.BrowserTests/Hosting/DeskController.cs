using Comet.AspNetCore;
using Microsoft.AspNetCore.Mvc;

namespace Comet.BrowserTests.Hosting;

public sealed class DeskController(Desk desk) : Controller
{
    [HttpGet(Desk.Stream), HttpPost(Desk.Stream)]
    public CometResult Stream() => CometResults.Feeds(desk.Sources, "parent.received");
}
