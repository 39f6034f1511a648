using Comet.AspNetCore;
using Microsoft.AspNetCore.Mvc;

namespace Comet.BrowserTests.Hosting;

public sealed class NewsController(Feed<News> news) : Controller
{
    [HttpGet(News.Stream)]
    public CometResult Stream() => CometResults.Feed(news, "parent.newsCame");
}
