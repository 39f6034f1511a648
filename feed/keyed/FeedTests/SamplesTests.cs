using Comet.AspNetCore.Testing;

namespace CometApp.Tests;

public class SamplesTests(KestrelApplicationFactory<Program> app, BrowserFixture browser)
    : IClassFixture<KestrelApplicationFactory<Program>>, IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task Shows_what_is_posted_to_its_key_and_nothing_else()
    {
        var (red, blue) = (await browser.NewPageAsync(), await browser.NewPageAsync());
        await red.GotoAsync($"{app.Url}/samples/red");
        await blue.GotoAsync($"{app.Url}/samples/blue");

        await red.FillAsync("#Text", "Red is here.");
        await red.ClickAsync("#form button");
        await blue.FillAsync("#Text", "Blue is here.");
        await blue.ClickAsync("#form button");

        await red.WaitForSelectorAsync("#connection[data-state=live]");
        await red.WaitForSelectorAsync("#messages li");
        await blue.WaitForSelectorAsync("#messages li");
        Assert.Equal(["Red is here."], await red.Locator("#messages li p").AllInnerTextsAsync());
        Assert.Equal(["Blue is here."], await blue.Locator("#messages li p").AllInnerTextsAsync());
    }
}
